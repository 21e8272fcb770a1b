// Where encoders write what they have measured before.

export interface ByteSink {
  /** Makes room for so many octets, to be filled before the next call. @returns where in `bytes` it begins */
  room(size: number): number;
  /** Read after each `room`: it may have changed. */
  readonly bytes: Buffer;
}
