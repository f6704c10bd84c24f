# A Suidao or its emulator at `endpoint`; of the vendor's products the provider asks for Vpc alone here.
terraform {
  required_providers {
    alicloud = {
      source  = "aliyun/alicloud"
      version = ">= 1.246.0"
    }
  }
}

variable "endpoint" {
  description = "Host and port of the API, without a scheme."
  type        = string
  default     = "127.0.0.1:8480"
}

variable "protocol" {
  description = "HTTP on loopback; with HTTPS, SSL_CERT_FILE names the CA of the server."
  type        = string
  default     = "HTTP"
}

variable "access_key" {
  type    = string
  default = "LTAI5tSuidaoEmulator0001"
}

variable "secret_key" {
  type      = string
  sensitive = true
  default   = "suidao-emulator-not-a-secret-01"
}

provider "alicloud" {
  region                 = "cn-hangzhou"
  access_key             = var.access_key
  secret_key             = var.secret_key
  protocol               = var.protocol
  skip_region_validation = true
  # Otherwise the provider asks the vendor's billing which kind of account this is.
  account_type = "Domestic"
  endpoints {
    vpc = var.endpoint
  }
}
