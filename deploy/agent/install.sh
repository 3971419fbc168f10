# Installs Holdfast's agent in an image that exists, or on a running machine of an Auto Scaling group. This is what
# `holdfast install-script POOL` prints below the pool's own values: alone it knows of no pool. For any POSIX shell.
#
# Repeating it changes nothing. A new version takes the place of the one before by one rename, and the agent is started again
# in the one way that ends no job: its process is killed, its unit starts the next, and that takes the runner over. A stop
# would make the machine leave.
#
# Exit codes: 0 all is as it should be; 1 it is not, or (--check) it would be changed; 2 refused, nothing was changed.

set -eu
umask 022
: "${bundle_url:?this is half a script: holdfast install-script POOL prints the whole one}"

home=/opt/holdfast
unit=holdfast-agent.service
systemd_min=243 # whose services know OOMPolicy
is_check=no
is_image=no
root=
refusals=0
is_changed=no
is_agent_changed=no

usage() {
  cat <<'USAGE'
usage: install.sh [--check] [--image] [--root=DIRECTORY]
  --check  change nothing; say what would be changed, and what stands in the way
  --image  for a machine that an image is made of: start nothing, leave nothing behind by which machines are told apart
  --root   the system in this directory, instead of the one that runs here; nothing is started
USAGE
}

for word in "$@"; do
  case "$word" in
    --check) is_check=yes ;;
    --image) is_image=yes ;;
    --root=/?*) root=${word#--root=} ;;
    --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

say() { printf 'holdfast: %s\n' "$1"; }

fail() {
  say "failed: $1" >&2
  exit 1
}

# What stands in the way, and what to do about it.
refuse() {
  refusals=$((refusals + 1))
  say "refused: $1" >&2
  say "  mend: $2" >&2
}

# Before something is changed. False where it is only to be told.
changes() {
  is_changed=yes
  if [ "$is_check" = yes ]; then
    say "would change $1"
    return 1
  fi
  say "changes $1"
}

has() { command -v "$1" > /dev/null 2>&1; }

# --- What must be so before anything is touched

look_for_tools() {
  for tool in cmp curl cut grep gzip install ln mv readlink sed sha256sum tar; do
    has "$tool" || refuse "there is no $tool" "install it, in the image"
  done
  [ -z "$root" ] || return 0
  for tool in choom getent pgrep setpriv systemctl systemd-run; do
    has "$tool" || refuse "there is no $tool" "install it, in the image (util-linux, procps, systemd)"
  done
  version=$(systemctl --version 2> /dev/null | sed -n '1s/^systemd \([0-9][0-9]*\).*/\1/p')
  [ "${version:-0}" -ge "$systemd_min" ] ||
    refuse "systemd is ${version:-unknown}, and before $systemd_min it ends a whole unit for one process without memory" \
      "take a newer system for the image"
  [ "$is_check" = yes ] || [ "$(id -u)" -eq 0 ] || refuse "this is not root" "run it by sudo, or with --check"
}

look_at_runner() {
  case "$runner" in
    /tmp | /tmp/* | /var/tmp | /var/tmp/* | /dev/* | /run | /run/*)
      refuse "the runner's folder $runner is one that systems empty" "unpack the runner elsewhere, as in /opt/actions-runner"
      ;;
  esac
  [ -x "$root$runner/bin/Runner.Listener" ] ||
    refuse "there is no runner in $runner" "unpack a release of actions/runner there, and run none of its scripts"
  [ -x "$root$runner/externals/node24/bin/node" ] ||
    refuse "the runner in $runner has no Node 24 of its own" "unpack a newer release there"
  for file in .runner .credentials; do
    [ ! -e "$root$runner/$file" ] ||
      refuse "the runner in $runner is registered: there is $file" \
        "unpack a release elsewhere and name it by runner.directory: each job gets a copy, and a registration of its own"
  done
  user_id=$(find_user_id)
  case "$user_id" in
    "") refuse "there is no user $runner_user" "useradd --create-home $runner_user, for runners alone" ;;
    0) refuse "the user $runner_user is root" "make one for runners alone, and name it by runner.user" ;;
  esac
}

find_user_id() {
  if [ -n "$root" ]; then
    grep "^$runner_user:" "$root/etc/passwd" 2> /dev/null | cut -d: -f3
  elif has getent; then
    getent passwd "$runner_user" | cut -d: -f3
  fi
}

# Another service's runner would take jobs that nobody here knows of, and its stop ends them.
look_for_other_runners() {
  started='^ExecStart=.*(/(runsvc|svc)\.sh|Runner\.Listener|actions-runner.*\.sh)'
  for folder in "$root/etc/systemd/system" "$root/usr/lib/systemd/system"; do
    for file in "$folder"/*.service; do
      # A masked one leads to /dev/null, and is no regular file.
      [ -f "$file" ] || continue
      name=${file##*/}
      case "$name" in
        "$unit") continue ;;
        actions.runner.*) ;;
        *) grep -q -E "$started" "$file" || continue ;;
      esac
      refuse_service "$name"
    done
  done
  [ -z "$root" ] && has pgrep || return 0
  if pgrep -x Runner.Listener > /dev/null && ! [ -e "/etc/systemd/system/$unit" ]; then
    refuse "a runner runs here that Holdfast did not start" \
      "take it out at GitHub, and install once its last job is over and it has ended"
  fi
}

refuse_service() {
  refuse "a runner has a service of its own here: $1. A stop of it sends SIGINT, which cancels its job; 30 seconds later it is killed" \
    "once it runs no job: svc.sh uninstall in its folder, or: systemctl disable --now $1, and delete the unit"
}

look_at_image() {
  [ "$is_image" = yes ] && [ -z "$root" ] && [ "$is_check" = no ] || return 0
  if systemctl --quiet is-active "$unit"; then
    refuse "the agent runs here" "make images of a machine that serves no group, or in its folders by --root"
  fi
}

# --- What is installed. What is as it should be is not touched.

# The wanted text comes from standard input.
put() {
  path=$1
  wanted=$(cat && printf x)
  wanted=${wanted%x}
  if [ -f "$root$path" ] && printf '%s' "$wanted" | cmp -s - "$root$path"; then return 0; fi
  changes "$path" || return 0
  mkdir -p "$root${path%/*}"
  printf '%s' "$wanted" > "$root$path.holdfast-new"
  mv -f "$root$path.holdfast-new" "$root$path"
}

put_node() {
  node=$root$runner/externals/node24/bin/node
  if cmp -s "$node" "$root$home/bin/node"; then return 0; fi
  is_agent_changed=yes
  changes "$home/bin/node" || return 0
  mkdir -p "$root$home/bin"
  install -m 755 "$node" "$root$home/bin/node.new"
  mv -f "$root$home/bin/node.new" "$root$home/bin/node"
}

# Each version has a folder of its own, so that the running agent keeps its files until it is the other's turn.
put_agent() {
  folder=$root$home/agents/$bundle_sha256
  before=$(readlink "$root$home/agent" || true)
  if [ "$before" = "agents/$bundle_sha256" ] && [ -e "$folder/start" ]; then return 0; fi
  is_agent_changed=yes
  changes "$home/agent, to version $(printf '%.12s' "$bundle_sha256")" || return 0
  rm -rf "$folder.new" "$folder"
  mkdir -p "$folder.new"
  fetch_bundle "$folder.tar.gz"
  tar -x -z --no-same-owner -f "$folder.tar.gz" -C "$folder.new"
  rm -f "$folder.tar.gz"
  [ -f "$folder.new/$entry" ] || fail "the archive has no $entry"
  ln -s "$entry" "$folder.new/start"
  mv "$folder.new" "$folder"
  if [ -d "$root$home/agent" ] && ! [ -L "$root$home/agent" ]; then
    before=agents/first
    mv "$root$home/agent" "$root$home/$before"
  fi
  ln -s -f -n "agents/$bundle_sha256" "$root$home/agent.new"
  mv -f -T "$root$home/agent.new" "$root$home/agent"
  for other in "$root$home/agents"/*; do
    case "$other" in "$folder" | "$root$home/$before") ;; *) rm -rf "$other" ;; esac
  done
}

fetch_bundle() {
  curl --fail --silent --show-error --location --retry 8 --retry-max-time 240 --max-time 120 --output "$1" "$bundle_url" ||
    fail "fetching $bundle_url. Is the controller up, and of the version that printed this? It serves that agent alone"
  printf '%s  %s\n' "$bundle_sha256" "$1" | sha256sum -c --quiet - > /dev/null 2>&1 || {
    rm -f "$1"
    fail "what $bundle_url answers is not what this script was printed for: print it anew"
  }
}

leave_nothing_behind() {
  for folder in "$home/state" /run/holdfast; do
    [ -n "$(ls -A "$root$folder" 2> /dev/null)" ] || continue
    changes "$folder: what a machine was is not in its image" || continue
    rm -rf "$root$folder"
  done
}

start_agent() {
  if [ -n "$root" ]; then
    systemctl --quiet --root="$root" enable "$unit"
    return 0
  fi
  [ "$is_changed" = no ] || systemctl daemon-reload
  systemctl --quiet enable "$unit"
  [ "$is_image" = no ] || return 0
  if ! systemctl --quiet is-active "$unit"; then
    systemctl start --no-block "$unit"
  elif [ "$is_agent_changed" = yes ]; then
    agent_pid=$(systemctl show --property=MainPID "$unit")
    agent_pid=${agent_pid#MainPID=}
    [ "${agent_pid:-0}" -eq 0 ] || kill -KILL "$agent_pid"
  fi
}

look_for_tools
look_at_runner
look_for_other_runners
look_at_image
[ "$refusals" -eq 0 ] || exit 2

put_node
put_agent
was_changed=$is_changed
is_changed=no
put_settings
[ "$is_changed" = no ] || is_agent_changed=yes
put_files
[ "$was_changed" = no ] || is_changed=yes
[ "$is_image" = no ] || leave_nothing_behind
if [ "$is_check" = yes ]; then
  [ "$is_changed" = no ] || exit 1
  say "all is as it should be"
  exit 0
fi
start_agent
if [ "$is_image" = yes ]; then say "the image is ready; make it before this machine starts again"
elif [ "$is_changed" = no ]; then say "all is as it should be"
else say "installed"
fi
