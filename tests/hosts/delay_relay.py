"""delay_relay.py A B MILLISECONDS: hands every frame from one network device to the other, that much later, both ways.

What tc netem does, for kernels built without it. Says "ready" when it listens."""
import collections, select, socket, sys, time

# Of linux/if_packet.h; Python's socket does not have them.
SOL_PACKET, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 263, 15, 23
ALL_PROTOCOLS = 3
LONGEST = 1 << 17  # a frame may hold many segments that the kernel has not cut yet


def listen(device):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
    s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)  # with each frame, which checksums and segments are still to be made
    s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)  # or each would hear what it hands on
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    s.bind((device, 0))
    s.setblocking(False)
    return s


def main(a, b, milliseconds):
    a, b = listen(a), listen(b)
    other = {a: b, b: a}
    waiting = collections.deque()  # (when it is due, to whom, frame); all wait equally long, so the first is due first
    print("ready", flush=True)
    while True:
        patience = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for s in select.select([a, b], [], [], patience)[0]:
            waiting.append((time.monotonic() + milliseconds / 1000, other[s], s.recv(LONGEST)))
        while waiting and waiting[0][0] <= time.monotonic():
            _, to, frame = waiting.popleft()
            try:
                to.send(frame)
            except OSError:
                pass  # a frame lost, as on any cable: TCP sends it again


main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
