#!/usr/bin/env bash
# A real Slurm of one node on loopback, without systemd, cgroups or an accounting database.
#   slurm.sh install       installs what is missing (Debian, root); status 77 where that is not possible
#   slurm.sh start DIR     starts controller and node; prints nothing when they are up
#   slurm.sh daemon DIR    starts the node's daemon again, after it was killed
#   slurm.sh stop DIR      cancels all jobs and takes both down
set -euo pipefail
action=$1
dir=$(realpath -m "${2:-.}")
export SLURM_CONF=$dir/etc/slurm.conf PATH=$dir/bin:/usr/sbin:$PATH
port=${SLURM_TEST_PORT:-16817}

install() {
    command -v slurmctld slurmd sbatch >/dev/null && return
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo "Slurm is not here, and only root on Debian can install it"; exit 77; }
    export DEBIAN_FRONTEND=noninteractive
    # Nothing that comes along is to be started as a service of this machine.
    local policy=/usr/sbin/policy-rc.d
    [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy; chmod +x $policy; trap "rm -f $policy" EXIT; }
    { apt-get -qq update && apt-get -qq -o DPkg::Lock::Timeout=600 install -y --no-install-recommends \
        slurmctld slurmd slurm-client munge >/dev/null; } || { echo "the Slurm packages cannot be installed here"; exit 77; }
}

configure() {
    local host me
    host=$(hostname -s) me=$(id -un)
    mkdir -p "$dir"/{etc,run,log,state,spool,bin}
    cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/none
CredType=cred/none
SlurmUser=$me
SlurmdUser=$me
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/none
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=300
KillWait=3
MinJobAge=3600
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 RealMemory=64000 Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=600 DefaultTime=10 DefMemPerCPU=200 State=UP
CONF
    # Two pretended GPUs; their device files must exist and differ.
    printf 'NodeName=%s Name=gpu File=%s\n' "$host" /dev/null "$host" /dev/zero >"$dir/etc/gres.conf"
    # The plugin's job step drops SLURM_CONF.
    printf '#!/bin/sh\nSLURM_CONF=%s exec /usr/bin/srun "$@"\n' "$SLURM_CONF" >"$dir/bin/srun"
    chmod +x "$dir/bin/srun"
}

wait_for() { # wait_for STATE
    for _ in $(seq 300); do
        [ "$(timeout 5 sinfo -h -o %T 2>/dev/null)" = "$1" ] && return
        sleep 0.1
    done
    tail -n 20 "$dir"/log/*.log >&2
    echo "the node did not become $1" >&2
    return 1
}

case $action in
install) install ;;
start)
    configure
    slurmctld -c -f "$SLURM_CONF"
    slurmd -f "$SLURM_CONF"
    wait_for idle
    ;;
daemon) slurmd -f "$SLURM_CONF" ;;
stop)
    timeout 20 scancel --user="$(id -un)" || true
    sleep 1
    for daemon in slurmd slurmctld; do
        [ -e "$dir/run/$daemon.pid" ] && kill "$(cat "$dir/run/$daemon.pid")" 2>/dev/null || true
    done
    ;;
*)
    echo "slurm.sh install | start DIR | daemon DIR | stop DIR" >&2
    exit 2
    ;;
esac
