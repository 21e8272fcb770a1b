// Two ends of a connection inside the process: what is written at one end is read at the other, at its pace. node:http takes
// such an end for a socket. Used between HTTP/2 streams and the http server.
import { Duplex } from 'node:stream';

export class ConnectionEnd extends Duplex {
  /** Like a socket that decrypts: bytes are not gone when they are written. */
  readonly encrypted = true;
  bytesRead = 0;
  bytesWritten = 0;
  #other: ConnectionEnd | undefined;
  /** The other end waits until this one has read. */
  #taken: (() => void) | undefined;

  /** Joined once, right after construction. */
  join(other: ConnectionEnd): this {
    this.#other = other;
    return this;
  }

  override _read(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    const other = this.#other;
    if (other === undefined || other.destroyed) {
      done(new Error('the other end is gone'));
      return;
    }
    this.bytesWritten += chunk.length;
    other.bytesRead += chunk.length;
    if (other.push(chunk)) done();
    else other.#taken = done;
  }

  override _final(done: () => void): void {
    this.#other?.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const other = this.#other;
    if (other !== undefined && !other.destroyed) setImmediate(() => other.destroy());
    done(error);
  }

  destroySoon(): void {
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy()).end();
  }

  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

/** @returns the two ends */
export function connectionPair(): readonly [ConnectionEnd, ConnectionEnd] {
  const [one, other] = [new ConnectionEnd(), new ConnectionEnd()];
  return [one.join(other), other.join(one)];
}
