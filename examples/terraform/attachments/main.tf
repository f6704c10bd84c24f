# Attachments, connections that belong to a transit router and not to a VPN gateway: one tunnel with BGP and a health
# check, and two tunnels; with a route of its own each.

variable "stage" {
  type    = string
  default = "test"
}

variable "ipsec_lifetime" {
  description = "Seconds."
  type        = number
  default     = 86400
}

variable "peers" {
  description = "Where each of the two tunnels leads: places in the list of customer gateways."
  type        = list(number)
  default     = [1, 2]
}

resource "alicloud_vpn_customer_gateway" "branch" {
  count      = 3
  ip_address = "198.51.100.${40 + count.index}"
  asn        = "65001"
}

resource "alicloud_vpn_gateway_vpn_attachment" "one" {
  vpn_attachment_name = "one-tunnel"
  customer_gateway_id = alicloud_vpn_customer_gateway.branch[0].id
  network_type        = "public"
  local_subnet        = "0.0.0.0/0"
  remote_subnet       = "0.0.0.0/0"
  effect_immediately  = true
  enable_dpd          = true

  ike_config {
    psk          = "change-me"
    ike_version  = "ikev2"
    ike_mode     = "main"
    ike_enc_alg  = "aes256"
    ike_auth_alg = "sha256"
    ike_pfs      = "group14"
    ike_lifetime = 86400
  }
  ipsec_config {
    ipsec_enc_alg  = "aes256"
    ipsec_auth_alg = "sha256"
    ipsec_pfs      = "group14"
    ipsec_lifetime = var.ipsec_lifetime
  }
  bgp_config {
    enable       = true
    local_asn    = 65002
    tunnel_cidr  = "169.254.20.0/30"
    local_bgp_ip = "169.254.20.1"
  }
  health_check_config {
    enable   = true
    dip      = "10.0.0.1"
    sip      = "192.168.1.1"
    interval = 3
    retry    = 3
    policy   = "revoke_route"
  }
  tags = {
    stage = var.stage
  }
}

resource "alicloud_vpn_gateway_vpn_attachment" "two" {
  vpn_attachment_name = "two-tunnels"
  network_type        = "public"
  local_subnet        = "0.0.0.0/0"
  remote_subnet       = "0.0.0.0/0"
  effect_immediately  = false

  dynamic "tunnel_options_specification" {
    for_each = var.peers
    iterator = tunnel
    content {
      tunnel_index         = tunnel.key + 1
      customer_gateway_id  = alicloud_vpn_customer_gateway.branch[tunnel.value].id
      enable_dpd           = true
      enable_nat_traversal = true
      tunnel_ike_config {
        psk          = "change-me-${tunnel.key}"
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
        ipsec_lifetime = var.ipsec_lifetime
      }
    }
  }
  tags = {
    stage = var.stage
  }
}

resource "alicloud_vpn_gateway_vco_route" "branch" {
  vpn_connection_id = alicloud_vpn_gateway_vpn_attachment.one.id
  next_hop          = alicloud_vpn_gateway_vpn_attachment.one.id
  route_dest        = "192.168.10.0/24"
  weight            = 100
}

resource "alicloud_vpn_gateway_vco_route" "other" {
  vpn_connection_id = alicloud_vpn_gateway_vpn_attachment.two.id
  next_hop          = alicloud_vpn_gateway_vpn_attachment.two.id
  route_dest        = "192.168.11.0/24"
  weight            = 100
}

data "alicloud_vpn_gateway_vpn_attachments" "all" {
  ids = [alicloud_vpn_gateway_vpn_attachment.one.id, alicloud_vpn_gateway_vpn_attachment.two.id]
}

data "alicloud_vpn_gateway_vco_routes" "branch" {
  vpn_connection_id = alicloud_vpn_gateway_vco_route.branch.vpn_connection_id
}

output "found" {
  description = "What the data sources find."
  value = {
    attachments = length(data.alicloud_vpn_gateway_vpn_attachments.all.attachments)
    routes      = [for route in data.alicloud_vpn_gateway_vco_routes.branch.routes : route.route_dest]
  }
}
