// What the outpost itself says about requests that it did not answer, or refused: read from its metrics.
import type { Site } from '../../interop/radius/site.ts';

export interface Counters {
  /** Left without an answer, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly rejected: Readonly<Record<string, number>>;
  /** Thrown away by the kernel before the outpost has seen them. */
  readonly kernelDrops: number;
}

export async function countersOf(site: Site): Promise<Counters> {
  const { port } = site.radius.bound('metrics');
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const family = (name: string) => {
    const found: Record<string, number> = {};
    for (const [, labels = '', value] of text.matchAll(
      new RegExp(`^authentik_outpost_radius_${name}\\{(.*)\\} (\\S+)$`, 'gm'),
    )) {
      const reason = /reason="([^"]*)"/.exec(labels)?.[1] ?? '';
      found[reason] = (found[reason] ?? 0) + Number(value);
    }
    return found;
  };
  const kernelDrops = Number(/^authentik_outpost_radius_kernel_drops (\S+)$/m.exec(text)?.[1] ?? 0);
  return { dropped: family('dropped_total'), rejected: family('requests_rejected_total'), kernelDrops };
}

/** Only what has changed. */
export function difference(after: Counters, before: Counters): Counters {
  const minus = (one: Counters['dropped'], other: Counters['dropped']) =>
    Object.fromEntries(
      Object.entries(one).flatMap(([name, count]) => {
        const more = count - (other[name] ?? 0);
        return more === 0 ? [] : [[name, more]];
      }),
    );
  return {
    dropped: minus(after.dropped, before.dropped),
    rejected: minus(after.rejected, before.rejected),
    kernelDrops: after.kernelDrops - before.kernelDrops,
  };
}
