#!/usr/bin/env bash
# A SLURM of one node on this machine, for tests, as root on Debian:  one_node.sh start|stop FOLDER [GPUS]
#
# Its packages are slurm-wlm and munge. It has as many made-up GPUs as asked for: devices that are /dev/null. Memory and GPUs are
# booked, and not enforced. Its configuration is in /etc/slurm, where jobs look, and leaves with it: each later start of
# Snakemake would wait ten seconds for a controller that is gone. A cluster's own is not touched. All else lies in FOLDER.
set -euo pipefail

etc=/etc/slurm mark="# of cragru's tests"

folder=$(realpath -m "${2:?usage: one_node.sh start|stop FOLDER [GPUS]}") gpus=${3:-1} node=$(hostname -s)

is_alive() {  # PIDFILE PROGRAM: a number may belong to somebody else by now
  [ -s "$1" ] && [ "$(basename "$(readlink "/proc/$(cat "$1")/exe" 2>/dev/null)")" = "$2" ]
}

end() {  # PIDFILE PROGRAM
  local number
  if is_alive "$1" "$2"; then
    number=$(cat "$1")  # the daemon takes the file away as it ends
    kill "$number"
    timeout 10 tail --pid="$number" -f /dev/null || true
  fi
  rm -f "$1"
}

configure() {
  # no accounting, no cgroups: what a container has not; twice the cores, so that jobs of a test run side by side
  cat <<CONF
$mark
ClusterName=test
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,sched_min_interval=0,batch_sched_delay=0,bf_interval=2
SlurmdParameters=config_overrides
KillWait=5
ReturnToService=2
MpiDefault=none
GresTypes=gpu
NodeName=$node NodeAddr=127.0.0.1 CPUs=$((2 * $(nproc))) RealMemory=$(free -m | awk '/Mem:/ { print int(0.9 * $2) }') Gres=gpu:fake:$gpus
PartitionName=test Nodes=$node Default=YES DefMemPerCPU=500
CONF
}

start_munge() {
  if munge -n </dev/null 2>/dev/null | unmunge >/dev/null 2>&1; then return; fi
  [ -s /etc/munge/munge.key ] || mungekey --create
  install -d -o munge -g munge -m 755 /run/munge
  runuser -u munge -- munged --pid-file=/run/munge/munged.pid
  cp /run/munge/munged.pid "$folder/munged.pid"  # ours to stop
}

case $1 in
  start)
    if [ -e $etc/slurm.conf ] && ! grep -qx "$mark" $etc/slurm.conf; then
      echo "$etc/slurm.conf is there already: this machine has a SLURM of its own" >&2
      exit 1
    fi
    rm -rf "$folder/state" "$folder/spool"  # a node that was drained would stay so
    mkdir -p "$folder/state" "$folder/spool" $etc
    for number in $(seq 0 $((gpus - 1))); do
      [ -c "$folder/gpu$number" ] || mknod "$folder/gpu$number" c 1 3
    done
    configure >$etc/slurm.conf
    echo "NodeName=$node Name=gpu Type=fake File=$folder/gpu[0-$((gpus - 1))]" >$etc/gres.conf
    start_munge
    slurmctld
    slurmd
    for _ in $(seq 100); do
      if [ "$(sinfo -h -o %T 2>/dev/null)" = idle ]; then exit; fi
      sleep 0.2
    done
    echo "SLURM is not idle after 20 s: $(sinfo -h -o '%T %E' 2>&1); see $folder/*.log" >&2
    exit 1 ;;
  stop)
    if is_alive "$folder/slurmctld.pid" slurmctld-wlm; then scancel --me; fi
    end "$folder/slurmd.pid" slurmd-wlm
    end "$folder/slurmctld.pid" slurmctld-wlm
    end "$folder/munged.pid" munged
    if grep -qsx "$mark" $etc/slurm.conf; then rm $etc/slurm.conf $etc/gres.conf; fi ;;
  *) echo "usage: one_node.sh start|stop FOLDER [GPUS]" >&2 && exit 2 ;;
esac
