// A decent end for WebSockets when the router stops (router.md §12, §17): a close frame with status 1012, put between two
// frames of the core. The tunnel itself stays a pipe; only the lengths of passing frames are followed. Called by tunnel.ts.

/** RFC 6455 §5.5.1 and the IANA registry: "Service Restart"; clients come back after a pause. */
export const restartFrame: Uint8Array = Uint8Array.of(0x88, 0x02, 1012 >> 8, 1012 & 0xff);

export interface FrameBoundary {
  see(chunk: Uint8Array): void;
  /** True where a frame of ours would not land in the middle of another. */
  isBetween(): boolean;
}

/** Follows a stream of frames (RFC 6455 §5.2) by their heads; payloads are only counted. */
export function createFrameBoundary(): FrameBoundary {
  let head: number[] = [];
  let payloadLeft = 0;
  return {
    see(chunk) {
      let at = 0;
      while (at < chunk.length) {
        const skipped = Math.min(payloadLeft, chunk.length - at);
        payloadLeft -= skipped;
        at += skipped;
        const next = chunk[at];
        if (next === undefined) return;
        head.push(next);
        at += 1;
        if (head.length < headLength(head)) continue;
        payloadLeft = payloadLength(head);
        head = [];
      }
    },
    isBetween: () => head.length === 0 && payloadLeft === 0,
  };
}

/** 2 octets, the extended length, and the masking key where there is one. */
function headLength(head: readonly number[]): number {
  const second = head[1];
  if (second === undefined) return 2;
  const extended = { 126: 2, 127: 8 }[second & 0x7f] ?? 0;
  return 2 + extended + ((second & 0x80) === 0 ? 0 : 4);
}

function payloadLength(head: readonly number[]): number {
  const short = (head[1] ?? 0) & 0x7f;
  const extended = { 126: head.slice(2, 4), 127: head.slice(2, 10) }[short];
  return extended === undefined ? short : extended.reduce((length, octet) => length * 256 + octet, 0);
}
