// zstd for the build, the same bytes on every Node: those before 22.15 have none of their own. Only prepare.ts, which no daemon
// loads, brings it in.
import { compress, decompress, init } from '@bokuweb/zstd-wasm';
import type { Zstd } from '../assets/compress.ts';

const ready = init(); // once: a second call changes the memory below whoever works in it

/** Compresses on the calling thread: 0.1 s for 100 KB at the highest level. @throws Error when what comes out does not lead back */
export async function openZstd(): Promise<Zstd> {
  await ready;
  return async (body, level) => {
    const bytes = Buffer.from(compress(body, level));
    if (!body.equals(decompress(bytes))) throw new Error('zstd made bytes that are not those of the file');
    return bytes;
  };
}
