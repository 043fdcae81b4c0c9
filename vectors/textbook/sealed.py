"""The node secret under a passphrase (docs/spec/keys.md): Argon2id (RFC 9106), ChaCha20-Poly1305 (RFC 8439) with the long nonce of
draft-irtf-cfrg-xchacha-03. Written to be read beside those texts; a few dozen KiB of memory take it a fraction of a second, the 64 MiB that
indelible itself asks for some minutes."""

import hashlib
import re

ARGON2ID, VERSION = 2, 0x13
M32, M64 = 2**32 - 1, 2**64 - 1


def le32(number):
    return number.to_bytes(4, "little")


def blake2b(data, size=64):
    return hashlib.blake2b(data, digest_size=size).digest()


# ---- RFC 9106

def variable_hash(data, size):
    """H', section 3.3."""
    if size <= 64:
        return blake2b(le32(size) + data, size)
    rounds = -(-size // 32) - 2
    value = blake2b(le32(size) + data)
    out = value[:32]
    for _ in range(rounds - 1):
        value = blake2b(value)
        out += value[:32]
    return out + blake2b(value, size - 32 * rounds)


def mix(v, a, b, c, d):
    """GB, section 3.6: that of BLAKE2b with a product of the lower halves in each addition."""
    for first, second in ((32, 24), (16, 63)):
        v[a] = (v[a] + v[b] + 2 * (v[a] & M32) * (v[b] & M32)) & M64
        x = v[d] ^ v[a]
        v[d] = x >> first | x << 64 - first & M64
        v[c] = (v[c] + v[d] + 2 * (v[c] & M32) * (v[d] & M32)) & M64
        x = v[b] ^ v[c]
        v[b] = x >> second | x << 64 - second & M64


def permute(v, at):
    """P, section 3.6, on the sixteen words at these places."""
    for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
        mix(v, at[a], at[b], at[c], at[d])


ROWS = [range(16 * row, 16 * row + 16) for row in range(8)]
COLUMNS = [[16 * row + 2 * column + word for row in range(8) for word in (0, 1)] for column in range(8)]


def compress(x, y):
    """G, section 3.5, on blocks of 128 words."""
    r = [one ^ other for one, other in zip(x, y)]
    z = list(r)
    for places in ROWS + COLUMNS:
        permute(z, places)
    return [one ^ other for one, other in zip(r, z)]


def words(data):
    return [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data), 8)]


def argon2id(password, salt, memory, passes, lanes, size, secret=b"", data=b""):
    """Section 3.2. `memory` in KiB."""
    seed = b"".join(map(le32, (lanes, size, memory, passes, VERSION, ARGON2ID)))
    h0 = blake2b(seed + b"".join(le32(len(part)) + part for part in (password, salt, secret, data)))
    quarter = memory // (4 * lanes)
    columns = 4 * quarter
    blocks = [[words(variable_hash(h0 + le32(column) + le32(lane), 1024)) for column in (0, 1)] + [[0] * 128] * (columns - 2) for lane in range(lanes)]
    for turn in range(passes):
        for part in range(4):
            for lane in range(lanes):
                fill(blocks, turn, part, lane, (memory, passes, lanes, quarter))
    last = blocks[0][-1]
    for lane in blocks[1:]:
        last = [one ^ other for one, other in zip(last, lane[-1])]
    return variable_hash(b"".join(word.to_bytes(8, "little") for word in last), size)


def fill(blocks, turn, part, lane, shape):
    """One segment."""
    memory, passes, lanes, quarter = shape
    columns, addresses = 4 * quarter, []
    for index in range(quarter):
        column = part * quarter + index
        if turn == 0 and part < 2:  # section 3.4.1.2 and .3: addresses that do not depend on the password
            if index % 128 == 0:
                counted = [turn, lane, part, columns * lanes, passes, ARGON2ID, index // 128 + 1] + [0] * 121
                addresses = compress([0] * 128, compress([0] * 128, counted))
            chosen = addresses[index % 128]
        else:
            chosen = blocks[lane][column - 1][0]
        if turn == 0 and column < 2:
            continue
        j1, j2 = chosen & M32, chosen >> 32
        other = lane if turn == 0 and part == 0 else j2 % lanes
        # Section 3.4.2: what is finished, less the block before where that is not.
        finished = part * quarter if turn == 0 else columns - quarter
        area = finished + index - 1 if other == lane else finished - (index == 0)
        place = area - 1 - (area * (j1 * j1 >> 32) >> 32)
        start = 0 if turn == 0 else (part + 1) * quarter
        made = compress(blocks[lane][column - 1], blocks[other][(start + place) % columns])
        if turn > 0:
            made = [one ^ before for one, before in zip(made, blocks[lane][column])]
        blocks[lane][column] = made


# ---- RFC 8439 and the draft

def quarter_round(v, a, b, c, d):
    for first, second in ((16, 12), (8, 7)):
        v[a] = v[a] + v[b] & M32
        x = v[d] ^ v[a]
        v[d] = x << first & M32 | x >> 32 - first
        v[c] = v[c] + v[d] & M32
        x = v[b] ^ v[c]
        v[b] = x << second & M32 | x >> 32 - second


def twenty_rounds(key, rest):
    """The state before and after."""
    state = [int.from_bytes(part, "little") for part in (b"expa", b"nd 3", b"2-by", b"te k")]
    state += [int.from_bytes((key + rest)[at : at + 4], "little") for at in range(0, 48, 4)]
    v = list(state)
    for _ in range(10):
        for places in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter_round(v, *places)
    return state, v


def chacha20(key, nonce, counter, data):
    out = b""
    for at in range(0, len(data), 64):
        before, after = twenty_rounds(key, le32(counter + at // 64) + nonce)
        stream = b"".join(le32(one + other & M32) for one, other in zip(before, after))
        out += bytes(one ^ other for one, other in zip(data[at : at + 64], stream))
    return out


def poly1305(key, data):
    r, s = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF, int.from_bytes(key[16:], "little")
    total = 0
    for at in range(0, len(data), 16):
        total = (total + int.from_bytes(data[at : at + 16] + b"\1", "little")) * r % (2**130 - 5)
    return (total + s & 2**128 - 1).to_bytes(16, "little")


def padded(data):
    return data + b"\0" * (-len(data) % 16)


def hchacha20(key, nonce):
    _, after = twenty_rounds(key, nonce)
    return b"".join(map(le32, after[:4] + after[12:]))


def seal(key, nonce, data, plain):
    """AEAD_XChaCha20_Poly1305: what is sealed, and the tag."""
    key, nonce = hchacha20(key, nonce[:16]), b"\0" * 4 + nonce[16:]
    sealed = chacha20(key, nonce, 1, plain)
    lengths = len(data).to_bytes(8, "little") + len(sealed).to_bytes(8, "little")
    return sealed + poly1305(chacha20(key, nonce, 0, bytes(32)), padded(data) + padded(sealed) + lengths)


def unseal(key, nonce, data, sealed):
    """The plain bytes, or None."""
    plain = chacha20(hchacha20(key, nonce[:16]), b"\0" * 4 + nonce[16:], 1, sealed[:-16])
    return plain if seal(key, nonce, data, plain) == sealed else None


# ---- docs/spec/keys.md

NUMBER = "(0|[1-9][0-9]*)"
LINE = re.compile(f"(indelible-node-secret-v1 {NUMBER} argon2id {NUMBER} {NUMBER} {NUMBER} ([0-9a-f]{{32}})) ([0-9a-f]{{48}}) ([0-9a-f]{{96}})\n?")


def file(generation, secret, passphrase, cost, salt, nonce):
    """The line."""
    memory, passes, lanes = cost
    head = f"indelible-node-secret-v1 {generation} argon2id {memory} {passes} {lanes} {salt.hex()}"
    key = argon2id(passphrase, salt, memory, passes, lanes, 32)
    return f"{head} {nonce.hex()} {seal(key, nonce, head.encode(), secret).hex()}\n"


def read(text):
    """The line's parts, or None: head, generation, cost, salt, nonce, sealed."""
    found = LINE.fullmatch(text)
    if not found:
        return None
    generation, *cost = (int(found[at]) for at in (2, 3, 4, 5))
    if generation >= 2**53 or cost[0] > 1 << 20 or cost[1] > 64 or cost[2] > 16:
        return None
    return (found[1], generation, cost, *(bytes.fromhex(found[at]) for at in (6, 7, 8)))


def open_file(text, passphrase):
    """The secret; None: another passphrase, or the line was changed."""
    head, _, (memory, passes, lanes), salt, nonce, sealed = read(text)
    if not passes or not lanes or memory < 8 * lanes:  # Argon2 takes no such cost
        return None
    return unseal(argon2id(passphrase, salt, memory, passes, lanes, 32), nonce, head.encode(), sealed)


def check_examples():
    """RFC 9106, section 5.3; RFC 8439, section 2.8.2 by the draft's appendix A.3.1."""
    tag = argon2id(b"\1" * 32, b"\2" * 16, 32, 3, 4, 32, b"\3" * 8, b"\4" * 12)
    assert tag.hex() == "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
    plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
    sealed = seal(bytes(range(0x80, 0xA0)), bytes(range(0x40, 0x58)), bytes.fromhex("50515253c0c1c2c3c4c5c6c7"), plain)
    assert sealed[-16:].hex() == "c0875924c1c7987947deafd8780acf49" and sealed[:4].hex() == "bd6d179d"
