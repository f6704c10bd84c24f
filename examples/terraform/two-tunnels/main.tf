# A VPN gateway in two zones and a connection of two tunnels that tell each other their networks by BGP.

variable "stage" {
  type    = string
  default = "test"
}

variable "psk" {
  type      = string
  sensitive = true
  default   = "change-me"
}

locals {
  zones = ["cn-hangzhou-h", "cn-hangzhou-i"]
  peers = ["198.51.100.30", "198.51.100.31"]
  roles = ["master", "slave"]
}

resource "alicloud_vpc" "office" {
  vpc_name   = "office"
  cidr_block = "10.0.0.0/8"
}

resource "alicloud_vswitch" "office" {
  count      = 2
  vpc_id     = alicloud_vpc.office.id
  cidr_block = "10.0.${count.index}.0/24"
  zone_id    = local.zones[count.index]
}

resource "alicloud_vpn_gateway" "office" {
  vpn_gateway_name             = "office"
  vpc_id                       = alicloud_vpc.office.id
  vswitch_id                   = alicloud_vswitch.office[0].id
  disaster_recovery_vswitch_id = alicloud_vswitch.office[1].id
  bandwidth                    = "100"
  payment_type                 = "PayAsYouGo"
  auto_propagate               = true
}

resource "alicloud_vpn_customer_gateway" "branch" {
  count                 = 2
  customer_gateway_name = "branch-${count.index}"
  ip_address            = local.peers[count.index]
  asn                   = "65001"
}

resource "alicloud_vpn_connection" "branch" {
  vpn_connection_name = "branch"
  vpn_gateway_id      = alicloud_vpn_gateway.office.id
  local_subnet        = ["0.0.0.0/0"]
  remote_subnet       = ["0.0.0.0/0"]
  enable_tunnels_bgp  = true

  dynamic "tunnel_options_specification" {
    for_each = local.roles
    iterator = tunnel
    content {
      customer_gateway_id  = alicloud_vpn_customer_gateway.branch[tunnel.key].id
      role                 = tunnel.value
      enable_dpd           = true
      enable_nat_traversal = true
      tunnel_ike_config {
        psk          = "${var.psk}-${tunnel.key}"
        ike_version  = "ikev2"
        ike_mode     = "main"
        ike_enc_alg  = "aes256"
        ike_auth_alg = "sha256"
        ike_pfs      = "group14"
        ike_lifetime = 86400
      }
      tunnel_ipsec_config {
        ipsec_enc_alg  = "aes256"
        ipsec_auth_alg = "sha256"
        ipsec_pfs      = "group14"
        ipsec_lifetime = 86400
      }
      tunnel_bgp_config {
        local_asn    = "65002"
        tunnel_cidr  = "169.254.${10 + tunnel.key}.0/30"
        local_bgp_ip = "169.254.${10 + tunnel.key}.1"
      }
    }
  }
  tags = {
    stage = var.stage
  }
}

data "alicloud_vpn_gateway_zones" "office" {
  spec = "5M"
}

output "tunnels" {
  value = [for tunnel in alicloud_vpn_connection.branch.tunnel_options_specification : {
    address = tunnel.internet_ip
    zone    = tunnel.zone_no
    status  = tunnel.status
  }]
}

output "zones" {
  value = length(data.alicloud_vpn_gateway_zones.office.zones)
}
