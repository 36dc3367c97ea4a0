"""Several hosts in one machine: a network namespace and a host name each, joined by cables (veth) and a switch (bridge).

All of it lies in namespaces that this process owns alone: networks, mounts, process numbers. Nothing shows in the
machine's own network, two runs at a time do not meet, and however this process ends, even by SIGKILL, the kernel takes
cables, switch and all processes with it. Root is not needed where users may make namespaces."""
import json, os, pathlib, shlex, shutil, subprocess, sys, time

SWITCH = "switch"
MEMORY = "/run"  # in the namespaces: a file system that ends with them
INSIDE = "PTYCHOFLOW_HOSTS_INSIDE"  # set in the namespaces
RELAY = pathlib.Path(__file__).with_name("delay_relay.py")
NET = "10.77.0"

# Open MPI's daemons ask each other every few seconds whether they live. By default they wait 8 minutes before they give
# up one that was cut off, and keep mpirun, itself and whatever it started until then.
WAKEFUL_DAEMONS = [word for name, value in (("time", 2), ("intvl", 1), ("probes", 2))
                       for word in ("--mca", f"oob_tcp_keepalive_{name}", str(value))]


class Unavailable(Exception):
    """This machine does not let us make hosts; the text says why."""


def enter():
    """Runs this program again in namespaces of its own and ends with its exit code; returns in there alone."""
    if os.environ.get(INSIDE) and os.getpid() == 1:
        subprocess.run(["mount", "-t", "tmpfs", "none", MEMORY], check=True)
        os.mkdir(f"{MEMORY}/netns")  # where ip keeps the names of namespaces
        return
    env = os.environ | {"PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin", INSIDE: "1"}  # where ip and tc are
    missing = [tool for tool in ("ip", "tc", "unshare", "setpriv", "mpirun") if not shutil.which(tool, path=env["PATH"])]
    if missing:
        raise Unavailable(f"no {' and no '.join(missing)} here (Debian: iproute2, util-linux, openmpi-bin)")
    unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        unshare += ["--user", "--map-root-user"]
    trial = ("mount -t tmpfs none /run && mkdir /run/netns && ip netns add a && ip netns add b && "
             "ip link add one netns a type veth peer name two netns b && ip -n a link add c type bridge && "
             "ip netns exec b unshare --uts hostname b")
    tried = subprocess.run([*unshare, "sh", "-ec", trial], env=env, text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
    if tried.returncode != 0:
        raise Unavailable(f"no namespaces, veth or bridge allowed here: {tried.stdout.strip()}")
    # Whoever ends this process ends unshare by that, and unshare its child, number 1 of all in there.
    again = ["setpriv", "--pdeathsig", "KILL", *unshare, sys.executable, *sys.argv]
    sys.exit(subprocess.run(again, env=env).returncode)


def ip(*arguments):
    return subprocess.run(["ip", *arguments], check=True, text=True, stdout=subprocess.PIPE).stdout


class Network:
    """Hosts 1 to `count`, named ptychoflow-1 and so on, at 10.77.0.1 and so on. Each one's cable, eth0, ends in a port of
    the switch, which is a namespace of its own. Use it in a `with`: at its end nothing of it is left."""

    def __init__(self, count, folder):
        self.hosts = [f"ptychoflow-{i}" for i in range(1, count + 1)]
        self.folder = pathlib.Path(folder)
        self.relay = None

    def __enter__(self):
        ip("netns", "add", SWITCH)
        ip("-n", SWITCH, "link", "add", "bridge", "type", "bridge")
        ip("-n", SWITCH, "link", "set", "bridge", "up")
        for number, host in enumerate(self.hosts, 1):
            port = f"port-{number}"
            ip("netns", "add", host)
            ip("link", "add", port, "netns", SWITCH, "type", "veth", "peer", "name", "eth0", "netns", host)
            ip("-n", SWITCH, "link", "set", port, "master", "bridge", "up")
            ip("-n", host, "address", "add", f"{NET}.{number}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                ip("-n", host, "link", "set", device, "up")
        self._write_launch_files()
        return self

    def __exit__(self, *_):
        for name in (*self.hosts, SWITCH):
            self._kill(name)
            ip("netns", "delete", name)

    def _write_launch_files(self):
        """What an administrator sets up once: which hosts there are, and how mpirun starts its daemon on one of them."""
        self.hostfile = self.folder / "hostfile"
        self.hostfile.write_text("".join(f"{NET}.{i} slots=1\n" for i in range(1, len(self.hosts) + 1)))
        # In the place of ssh. Each host has a folder for temporary files of its own, too, as it would on its own disk.
        self.agent = self.folder / "agent"
        self.agent.write_text(f"""#!/bin/bash
set -euo pipefail
number=${{1##*.}} name=ptychoflow-${{1##*.}}
shift
export TMPDIR={self.folder}/tmp-$number
mkdir -p "$TMPDIR"
exec ip netns exec "$name" unshare --uts bash -c 'hostname "$0"; eval "$*"' "$name" "$@"
""")
        self.agent.chmod(0o755)

    def mpirun(self, program, *arguments, log=None, options=WAKEFUL_DAEMONS):
        """Starts a program, one rank a host, mpirun itself on the first host. What they say goes to the open file `log`."""
        launch = ["mpirun", "--hostfile", self.hostfile, "-n", len(self.hosts), "--map-by", "node", "--bind-to", "none",
                  "--mca", "plm_rsh_agent", self.agent,
                  "--mca", "pml", "ob1", "--mca", "btl", "tcp,self",  # no memory in common, though there is
                  "--mca", "mpi_yield_when_idle", "1",  # the hosts' processors are the same ones, what they need not know
                  "--mca", "btl_tcp_if_include", "eth0", "--mca", "oob_tcp_if_include", "eth0", *options]
        command = shlex.join(str(word) for word in (*launch, program, *arguments))
        env = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        return subprocess.Popen([self.agent, f"{NET}.1", command], env=env, stdin=subprocess.DEVNULL, stdout=log,
                                stderr=subprocess.STDOUT if log else None)

    def bytes(self):
        """What has gone over each host's cable so far: [(sent, received)]"""
        counters = (json.loads(ip("-n", host, "-json", "-s", "link", "show", "eth0"))[0]["stats64"] for host in self.hosts)
        return [(c["tx"]["bytes"], c["rx"]["bytes"]) for c in counters]

    def cut(self, host):
        """Pulls the plug of host `host` (1, 2, …) out of the switch: nobody gets a word of farewell."""
        ip("-n", SWITCH, "link", "set", f"port-{host}", "down")

    def delay(self, host, milliseconds):
        """Everything to and from a host takes that much longer each way. Returns what does it."""
        port = f"port-{host}"
        ways = [["ip", "netns", "exec", where, "tc", "qdisc", "add", "dev", device, "root", "netem", "delay",
                 f"{milliseconds}ms"] for where, device in ((self.hosts[host - 1], "eth0"), (SWITCH, port))]
        if all(subprocess.run(way, stderr=subprocess.DEVNULL).returncode == 0 for way in ways):
            return "tc netem"
        # This kernel has no netem: a relay between port and switch holds back every frame instead.
        ip("-n", SWITCH, "link", "add", "relay", "type", "veth", "peer", "name", "relay-port")
        ip("-n", SWITCH, "link", "set", port, "nomaster")
        ip("-n", SWITCH, "link", "set", "relay-port", "master", "bridge", "up")
        ip("-n", SWITCH, "link", "set", "relay", "up")
        self.relay = subprocess.Popen(["ip", "netns", "exec", SWITCH, sys.executable, RELAY, port, "relay",
                                       str(milliseconds)], stdout=subprocess.PIPE, text=True)
        self.relay.stdout.readline()  # it is ready
        return "a relay (no tc netem in this kernel)"

    def running(self):
        """Names of the processes on each host: [['orted', 'ptychoflow'], …]"""
        return [[self._name(pid) for pid in ip("netns", "pids", host).split()] for host in self.hosts]

    @staticmethod
    def _name(pid):
        try:
            return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            return "(just ended)"

    def _kill(self, name):
        for _ in range(100):
            pids = [int(pid) for pid in ip("netns", "pids", name).split()]
            if not pids:
                return
            for pid in pids:
                try:
                    os.kill(pid, 9)
                except ProcessLookupError:
                    pass
            time.sleep(0.02)
