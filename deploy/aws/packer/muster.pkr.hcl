# An image with everything that a machine of Muster needs, so that a boot installs nothing: packer init and packer build in this folder.

packer {
  required_version = ">= 1.9"
  required_plugins {
    amazon = {
      version = ">= 1.2.8"
      source  = "github.com/hashicorp/amazon"
    }
  }
}

variable "region" {
  type = string
}

# As in agent.version of the pools that use the image; this is the release's own.
variable "agent_version" {
  type    = string
  default = "3.0.3"
}

# Amazon's image with NVIDIA's driver and container toolkit. Without GPUs: "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*" of "099720109477".
variable "base" {
  type    = string
  default = "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04) *"
}

variable "base_owner" {
  type    = string
  default = "amazon"
}

# false: a base without NVIDIA's toolkit will do.
variable "gpu" {
  type    = bool
  default = true
}

# Container images, separated by blanks, that tasks then find on the machine.
variable "containers" {
  type    = string
  default = ""
}

# Only builds the image, and needs no GPU for that.
variable "instance_type" {
  type    = string
  default = "m6i.large"
}

# Empty: the region's default VPC.
variable "subnet" {
  type    = string
  default = ""
}

source "amazon-ebs" "muster" {
  region                    = var.region
  ami_name                  = "muster-agent-${var.agent_version}-{{timestamp}}"
  ami_description           = "clearml-agent ${var.agent_version} for Muster"
  instance_type             = var.instance_type
  subnet_id                 = var.subnet
  ssh_username              = "ubuntu"
  ssh_clear_authorized_keys = true
  encrypt_boot              = true
  # Machines of the image answer version 2 of the metadata service alone, whoever launches them.
  imds_support = "v2.0"

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  source_ami_filter {
    filters = {
      name                = var.base
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
    owners      = [var.base_owner]
    most_recent = true
  }

  tags = {
    Name          = "muster-agent-${var.agent_version}"
    clearml-agent = var.agent_version
  }
}

build {
  sources = ["source.amazon-ebs.muster"]

  provisioner "shell" {
    script           = "${path.root}/provision.sh"
    execute_command  = "sudo env {{ .Vars }} sh {{ .Path }}"
    environment_vars = ["AGENT_VERSION=${var.agent_version}", "GPU=${var.gpu}", "CONTAINERS=${var.containers}"]
  }
}
