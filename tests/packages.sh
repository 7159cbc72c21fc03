#!/usr/bin/env bash
# The Debian packages that `make test` needs: other people's programs, which judge ours.
set -euo pipefail

# program (or file) -> package
needs=(
  "gcc:gcc" "make:make" "mosquitto:mosquitto" "mosquitto_sub:mosquitto-clients" "mbpoll:mbpoll"
  "tshark:tshark" "node:nodejs" "npm:npm" "systemd-analyze:systemd" "udevadm:udev"
  "/usr/include/modbus/modbus.h:libmodbus-dev" "/usr/include/open62541/server.h:libopen62541-1.4-dev" "sml_server:libsml-utils" "qemu-storage-daemon:qemu-utils" "mkfs.ext4:e2fsprogs" "mount:mount" "ip:iproute2"
)
missing=()
for need in "${needs[@]}"; do
  what=${need%%:*} package=${need#*:}
  if [[ $what == /* ]]; then [ -e "$what" ] || missing+=("$package")
  else PATH="$PATH:/usr/sbin:/sbin" command -v "$what" >/dev/null || missing+=("$package")
  fi
done
python=${PYTHON:-python3}
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=("python3-venv")
include=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))' 2>/dev/null || true)
[ -e "$include/Python.h" ] || missing+=("python3-dev")

if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ]; then run=""; elif sudo -n true 2>/dev/null; then run="sudo"; else
    echo "The tests need these Debian packages, and neither root nor sudo is at hand:" >&2
    echo "    apt-get install ${missing[*]}" >&2
    exit 1
  fi
  echo "Installing for the tests: ${missing[*]}"
  $run apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
