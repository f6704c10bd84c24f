# A VPC, a VPN gateway and a connection of one tunnel with a health check; a route by destination and one by policy.

variable "stage" {
  type    = string
  default = "test"
}

variable "remote_subnets" {
  type    = list(string)
  default = ["192.168.0.0/24", "192.168.1.0/24"]
}

variable "ike_lifetime" {
  description = "Seconds."
  type        = number
  default     = 3600
}

variable "route_weight" {
  type    = number
  default = 100
}

resource "alicloud_vpc" "office" {
  vpc_name   = "office-${var.stage}"
  cidr_block = "10.0.0.0/8"
  tags = {
    stage = var.stage
  }
}

resource "alicloud_vswitch" "office" {
  vswitch_name = "office"
  vpc_id       = alicloud_vpc.office.id
  cidr_block   = "10.0.0.0/24"
  zone_id      = "cn-hangzhou-h"
  tags = {
    stage = var.stage
  }
}

resource "alicloud_vpn_gateway" "office" {
  vpn_gateway_name = "office"
  description      = "to the branches"
  vpc_id           = alicloud_vpc.office.id
  vswitch_id       = alicloud_vswitch.office.id
  bandwidth        = "10"
  payment_type     = "PayAsYouGo"
  tags = {
    stage = var.stage
  }
}

resource "alicloud_vpn_customer_gateway" "branch" {
  customer_gateway_name = "branch"
  description           = "its router"
  ip_address            = "198.51.100.20"
  tags = {
    stage = var.stage
  }
}

resource "alicloud_vpn_connection" "branch" {
  vpn_connection_name  = "branch"
  vpn_gateway_id       = alicloud_vpn_gateway.office.id
  customer_gateway_id  = alicloud_vpn_customer_gateway.branch.id
  local_subnet         = ["10.0.0.0/24"]
  remote_subnet        = var.remote_subnets
  effect_immediately   = true
  enable_dpd           = true
  enable_nat_traversal = true
  auto_config_route    = false

  ike_config {
    psk          = "change-me"
    ike_version  = "ikev2"
    ike_enc_alg  = "aes256"
    ike_auth_alg = "sha256"
    ike_pfs      = "group14"
    ike_lifetime = var.ike_lifetime
  }
  ipsec_config {
    ipsec_enc_alg  = "aes256"
    ipsec_auth_alg = "sha256"
    ipsec_pfs      = "group14"
    ipsec_lifetime = 86400
  }
  health_check_config {
    enable   = true
    dip      = "192.168.0.1"
    sip      = "10.0.0.1"
    interval = 3
    retry    = 3
  }
  tags = {
    stage = var.stage
  }
}

resource "alicloud_vpn_route_entry" "branch" {
  vpn_gateway_id = alicloud_vpn_gateway.office.id
  next_hop       = alicloud_vpn_connection.branch.id
  route_dest     = "192.168.0.0/24"
  weight         = var.route_weight
  publish_vpc    = true
}

resource "alicloud_vpn_pbr_route_entry" "branch" {
  vpn_gateway_id = alicloud_vpn_gateway.office.id
  next_hop       = alicloud_vpn_connection.branch.id
  route_source   = "10.0.0.0/24"
  route_dest     = "192.168.1.0/24"
  weight         = var.route_weight
  publish_vpc    = false
}

data "alicloud_vpn_gateways" "office" {
  ids = [alicloud_vpn_gateway.office.id]
}

data "alicloud_vpn_customer_gateways" "branch" {
  ids = [alicloud_vpn_customer_gateway.branch.id]
}

data "alicloud_vpn_connections" "branch" {
  ids = [alicloud_vpn_connection.branch.id]
}

data "alicloud_vpn_pbr_route_entries" "branch" {
  vpn_gateway_id = alicloud_vpn_gateway.office.id
  ids            = [alicloud_vpn_pbr_route_entry.branch.id]
}

output "found" {
  description = "What the data sources find."
  value = {
    gateway       = data.alicloud_vpn_gateways.office.gateways[0].internet_ip
    customer      = data.alicloud_vpn_customer_gateways.branch.gateways[0].ip_address
    connection    = data.alicloud_vpn_connections.branch.connections[0].status
    policy_routes = length(data.alicloud_vpn_pbr_route_entries.branch.entries)
  }
}
