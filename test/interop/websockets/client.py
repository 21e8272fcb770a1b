"""Drives an echo server over WebSocket, in the manner of Autobahn's fuzzing client, and prints what came of each case.

client.py PORT HOST [COOKIE]. The connection goes to 127.0.0.1:PORT. Prints one JSON object: case -> outcome. By the library
`websockets`, which frames are written with, whole or in pieces that it would not send itself.
"""
import hashlib, json, socket, sys
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Close, Frame, Opcode
from websockets.sync.client import connect

port, host, cookie = int(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""
TEXT, BINARY, CONT, CLOSE, PING = Opcode.TEXT, Opcode.BINARY, Opcode.CONT, Opcode.CLOSE, Opcode.PING


def opened(extensions=None):
    sock = socket.create_connection(("127.0.0.1", port), timeout=60)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connect(
        f"ws://{host}/echo", sock=sock, max_size=None, compression=None, extensions=extensions, ping_interval=None,
        open_timeout=60, close_timeout=60, proxy=None, additional_headers={"Cookie": cookie} if cookie else {},
    )


def raw(opcode, data, fin=True, rsv=0):
    """A frame that the library would not write: with a length of at most 126."""
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    return head + (bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0xFE, 0, len(data)])) + bytes(4) + data


def shown(message):
    data = message.encode() if isinstance(message, str) else message
    return [type(message).__name__, len(data), hashlib.sha256(data).hexdigest()[:16]]


def answers(ws, count):
    """What comes back, up to the end of the connection."""
    came = []
    try:
        for _ in range(count):
            came.append(shown(ws.recv(timeout=60)))
        if count > 9:
            return [count, hashlib.sha256(json.dumps(came).encode()).hexdigest()[:16]]
    except ConnectionClosed as closed:
        rcvd = closed.rcvd
        came.append(["closed", rcvd.code if rcvd else None, rcvd.reason if rcvd else ""])
    return came


def frames(*given, octets=0, count=1):
    """Frames as they are, `octets` at a time."""
    def case():
        with opened() as ws:
            wire = b"".join(frame if isinstance(frame, bytes) else frame.serialize(mask=True) for frame in given)
            step = octets or max(1, len(wire))
            try:
                for at in range(0, len(wire), step):
                    ws.socket.sendall(wire[at : at + step])
            except OSError:
                pass  # closed by the other side before the end, which is what is told below
            return answers(ws, count)
    return case


def echoed(*messages):
    def case():
        with opened() as ws:
            for message in messages:
                ws.send(message)
            return answers(ws, len(messages))
    return case


def pinged(*payloads):
    def case():
        with opened() as ws:
            waiting = [ws.ping(payload) for payload in payloads]
            return [one.wait(60) for one in waiting]
    return case


def closed(code, reason=""):
    def case():
        with opened() as ws:
            ws.close(code, reason)
            return [ws.close_code, ws.close_reason]
    return case


def compressed(count, size, **parameters):
    def case():
        with opened([ClientPerMessageDeflateFactory(**parameters)]) as ws:
            line = "Von Zeit zu Zeit seh ich den Alten gern. "
            came = []
            for at in range(count):
                text = (f"{at} " + line * (size // len(line) + 1))[:size]
                ws.send(text if at % 2 else text.encode())
                came.append(shown(ws.recv(timeout=60)))
            digest = hashlib.sha256(json.dumps(came).encode()).hexdigest()[:16]
            return [sorted(map(str, ws.protocol.extensions)) != [], len(came), digest]
    return case


cases = {}
for size in (0, 1, 125, 126, 127, 128, 65535, 65536):
    cases[f"1.1 text of {size}"] = echoed("*" * size)
    cases[f"1.2 binary of {size}"] = echoed(b"\xfe" * size)
cases["1.1 text of 65536, 997 octets at a time"] = frames(Frame(TEXT, b"*" * 65536), octets=997)
cases["2.1 pings"] = pinged(b"", b"Hello", b"\x00\xff\xfe", b"\xfe" * 125)
cases["2.5 a ping of 126"] = frames(raw(PING, b"x" * 126))
cases["2.6 a ping octet by octet"] = frames(Frame(PING, b"\xfe" * 125), Frame(TEXT, b"after"), octets=1)
cases["2.7 a pong nobody asked for"] = frames(Frame(Opcode.PONG, b"x"), Frame(TEXT, b"after"))
for rsv in (1, 2, 3, 4, 7):
    cases[f"3 reserved bits {rsv}"] = frames(Frame(TEXT, b"first"), raw(TEXT, b"x", rsv=rsv), count=2)
for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
    cases[f"4 reserved opcode {opcode}"] = frames(Frame(TEXT, b"first"), raw(opcode, b""), count=2)
parts = [Frame(TEXT, b"frag", fin=False), Frame(CONT, b"ment", fin=False), Frame(CONT, b"s")]
cases["5.1 a ping in two parts"] = frames(raw(PING, b"a", fin=False), Frame(CONT, b"b"))
cases["5.3 fragments"] = frames(*parts)
cases["5.5 fragments octet by octet"] = frames(*parts, octets=1)
cases["5.6 a ping among fragments"] = frames(parts[0], Frame(PING, b"x"), *parts[1:], octets=1)
cases["5.9 a continuation of nothing"] = frames(Frame(CONT, b"x"), Frame(TEXT, b"y"))
cases["5.18 a message within a message"] = frames(parts[0], Frame(TEXT, b"x"))
cases["5.20 many fragments"] = frames(Frame(TEXT, b"", fin=False), *[Frame(CONT, b"x" * 7, fin=False)] * 2000, Frame(CONT, b""))
greek = "Hello-µ@ßöäüàá-κόσμε-UTF-8!! 😀".encode()
cases["6.2 UTF-8 octet by octet"] = frames(Frame(TEXT, greek), octets=1)
cases["6.2 UTF-8 cut in its letters"] = frames(*[Frame(TEXT if at == 0 else CONT, greek[at : at + 1], fin=at == len(greek) - 1) for at in range(len(greek))])
for at, bad in enumerate((b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xce", b"\x80", b"\xff")):
    cases[f"6.4 no UTF-8, {at}"] = frames(Frame(TEXT, b"ok " + bad))
for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
    cases[f"7.7 close {code}"] = closed(code, "reason" if code != 1000 else "")
for code in (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000):
    cases[f"7.9 close {code}"] = frames(Frame(CLOSE, code.to_bytes(2, "big")))
cases["7.1 nothing after a close"] = frames(Frame(CLOSE, Close(1000, "").serialize()), Frame(TEXT, b"late"), count=2)
cases["7.3 a close of one octet"] = frames(Frame(CLOSE, b"\x03"))
cases["7.5 a close whose reason is no UTF-8"] = frames(Frame(CLOSE, b"\x03\xe8\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80"))
for size in (1 << 20, 16 << 20):
    cases[f"9.1 text of {size >> 20} MiB"] = echoed("*" * size)
    cases[f"9.2 binary of {size >> 20} MiB"] = echoed(b"\xfe" * size)
whole = b"*" * (4 << 20)
cases["9.3 4 MiB in fragments of 64 KiB"] = frames(*[Frame(BINARY if at == 0 else CONT, whole[at : at + 65536], fin=at + 65536 == len(whole)) for at in range(0, len(whole), 65536)])
cases["9.5 1 MiB, 1300 octets at a time"] = frames(Frame(BINARY, b"x" * (1 << 20)), octets=1300)
cases["9.7 a thousand messages"] = echoed(*[b"x" * 64] * 1000)
cases["12.1 compressed, 16 octets"] = compressed(100, 16)
cases["12.2 compressed, 64 KiB"] = compressed(50, 65536)
cases["12.3 compressed, 1 MiB"] = compressed(4, 1 << 20)
cases["13.1 without a context on the client's side"] = compressed(50, 1024, client_no_context_takeover=True)
cases["13.2 without a context on the server's side"] = compressed(50, 1024, server_no_context_takeover=True)
cases["13.3 small windows"] = compressed(50, 8192, server_max_window_bits=9, client_max_window_bits=9)

outcomes = {}
for name, case in cases.items():
    try:
        outcomes[name] = case()
    except Exception as error:  # told as the outcome of its case
        outcomes[name] = ["failed", type(error).__name__, str(error)[:200]]
print(json.dumps(outcomes))
