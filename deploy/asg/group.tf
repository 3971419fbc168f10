# An Auto Scaling group as Holdfast wants it (docs/guide/asg.md says why of each). Beside it a pool of kind `asg` with
# `group: ci-runners`. The image has the runner and, by `install-script`, the agent: nothing is fetched at boot.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0" # of a version that knows instance_lifecycle_policy
    }
  }
}

variable "image" { type = string }
variable "subnets" { type = list(string) }
variable "security_groups" { type = list(string) }

resource "aws_launch_template" "runners" {
  name_prefix            = "ci-runners-"
  image_id               = var.image
  instance_type          = "m7i.large"
  vpc_security_group_ids = var.security_groups # no inbound rule is needed
  update_default_version = true

  # No iam_instance_profile: the agent needs none, and what the machine may do, its jobs may do.

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1 # keeps it from the jobs' containers
  }
}

resource "aws_autoscaling_group" "runners" {
  name                = "ci-runners"
  min_size            = 0
  max_size            = 40 # machines.max of the pool, or more
  vpc_zone_identifier = var.subnets

  launch_template {
    id      = aws_launch_template.runners.id
    version = "$Default"
  }

  # The group chooses nobody for scale-in: Holdfast ends machines by name.
  protect_from_scale_in = true
  # Moving machines between zones is no reason to end one.
  suspended_processes = ["AZRebalance"]
  # It would end a busy machine for a spot signal that often comes to nothing.
  capacity_rebalance = false
  # Older machines go by machines.maxAge, once they are idle.
  max_instance_lifetime = 0
  # EC2's own checks only: whatever asks a service on the machine would end busy ones.
  health_check_type = "EC2"

  # With the group, so that its first machine has it too. The group can be made to wait min(48 h, 100 x 7200 s) = 48 h.
  initial_lifecycle_hook {
    name                 = "holdfast"
    lifecycle_transition = "autoscaling:EC2_INSTANCE_TERMINATING"
    heartbeat_timeout    = 7200
    default_result       = "ABANDON"
  }

  # What the hook did not save is kept running, and ended by Holdfast when it is idle.
  instance_lifecycle_policy {
    retention_triggers {
      terminate_hook_abandon = "retain"
    }
  }

  # Idle machines that are kept ready cost their disk only. None comes back from service: what a job left stays behind.
  warm_pool {
    pool_state                  = "Stopped"
    min_size                    = 2
    max_group_prepared_capacity = 10

    instance_reuse_policy {
      reuse_on_scale_in = false
    }
  }

  # `scaling: holdfast` sizes it.
  lifecycle {
    ignore_changes = [desired_capacity]
  }

  # A plan is not to wait for machines, and a destroy not to kill jobs: drain the pool first.
  wait_for_capacity_timeout = "0"
  force_delete              = false
}
