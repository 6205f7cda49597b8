# An image with everything that a machine of Muster needs, so that a boot installs nothing: packer init and packer build in this folder.

packer {
  required_version = ">= 1.9"
  required_plugins {
    googlecompute = {
      version = ">= 1.1.4"
      source  = "github.com/hashicorp/googlecompute"
    }
  }
}

# The project that the image is for.
variable "project" {
  type = string
}

variable "zone" {
  type    = string
  default = "us-central1-a"
}

# As in agent.version of the pools that use the image; this is the release's own.
variable "agent_version" {
  type    = string
  default = "3.0.3"
}

# Google's image with NVIDIA's driver and container toolkit. Without GPUs: "ubuntu-2204-lts" of "ubuntu-os-cloud".
variable "base" {
  type    = string
  default = "common-cu128-ubuntu-2204-nvidia-570"
}

variable "base_project" {
  type    = string
  default = "deeplearning-platform-release"
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
variable "machine_type" {
  type    = string
  default = "e2-standard-4"
}

# No smaller than the base's. Pools that name no size get one of this size.
variable "disk_size" {
  type    = number
  default = 50
}

# Empty: the project's network "default".
variable "subnet" {
  type    = string
  default = ""
}

source "googlecompute" "muster" {
  project_id              = var.project
  zone                    = var.zone
  source_image_family     = var.base
  source_image_project_id = [var.base_project]
  image_name              = "muster-agent-${replace(var.agent_version, ".", "-")}-{{timestamp}}"
  image_family            = "muster-agent"
  image_description       = "clearml-agent ${var.agent_version} for Muster"
  machine_type            = var.machine_type
  disk_size               = var.disk_size
  disk_type               = "pd-balanced"
  subnetwork              = var.subnet
  ssh_username            = "packer"
  # It builds, and is nobody in the project.
  disable_default_service_account = true

  image_labels = {
    clearml-agent = replace(var.agent_version, ".", "-")
  }
}

build {
  sources = ["source.googlecompute.muster"]

  # The same script as on AWS.
  provisioner "shell" {
    script           = "${path.root}/../../aws/packer/provision.sh"
    execute_command  = "sudo env {{ .Vars }} sh {{ .Path }}"
    environment_vars = ["AGENT_VERSION=${var.agent_version}", "GPU=${var.gpu}", "CONTAINERS=${var.containers}"]
  }
}
