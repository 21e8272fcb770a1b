// Content coding by Accept-Encoding with q-values (RFC 9110 §12.5.3, router.md §8.2).

export const codings = ['br', 'zstd', 'gzip'] as const;
export type Coding = (typeof codings)[number];

/**
 * The best coding among those at hand, or `undefined` for identity. Equal weights go to the order of `codings`.
 * Identity is sent even where a client forbids it and nothing else fits: an answer beats a refusal.
 */
export function negotiate(acceptEncoding: string | undefined, available: readonly Coding[]): Coding | undefined {
  if (acceptEncoding === undefined || available.length === 0) return undefined;
  const weights = weightsOf(acceptEncoding);
  const weightOf = (coding: string) => weights.get(coding) ?? weights.get('*') ?? 0;
  let best: Coding | undefined;
  let bestWeight = weights.get('identity') ?? 0;
  for (const coding of codings) {
    const weight = available.includes(coding) ? weightOf(coding) : 0;
    if (weight > 0 && (best === undefined ? weight >= bestWeight : weight > bestWeight)) {
      best = coding;
      bestWeight = weight;
    }
  }
  return best;
}

/** Browsers send the same few headers over and over. */
const known = new Map<string, ReadonlyMap<string, number>>();
const mostKnown = 500;

function weightsOf(header: string): ReadonlyMap<string, number> {
  const remembered = known.get(header);
  if (remembered !== undefined) return remembered;
  const weights = parseWeights(header);
  if (known.size >= mostKnown) known.clear();
  if (header.length <= 200) known.set(header, weights);
  return weights;
}

function parseWeights(header: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const part of header.slice(0, 1024).split(',')) {
    const [name, ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    const weight = q === undefined ? 1 : Number(q.slice(2));
    if (name !== undefined && name !== '' && weight >= 0 && weight <= 1)
      weights.set(name === 'x-gzip' ? 'gzip' : name, weight);
  }
  return weights;
}
