// Methods of `bytes`, as far as hashes and codes need them.
import { Raised } from '../faults.ts';
import type { Methods } from '../run/attributes.ts';
import { textAt } from '../run/parameters.ts';
import type { Bytes } from '../run/values.ts';

export const bytesMethods: Methods<Bytes> = {
  decode: ({ data }, call) => {
    call.run.budget.take(data.length);
    if (/^(?:latin|iso-?8859-?1)/i.test(textAt(call, 0, 'encoding', 'utf-8'))) return data.toString('latin1');
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
    } catch {
      throw new Raised('UnicodeDecodeError', 'the bytes are not UTF-8');
    }
  },
  hex: ({ data }) => data.toString('hex'),
};
