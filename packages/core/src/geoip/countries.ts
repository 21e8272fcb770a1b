// `/api/v3/policies/geoip_iso3166/`: the countries that a policy can name (ISO 3166-1), with their English names.

import { z } from 'zod';
import { requirePrincipal } from '../api/request.ts';
import type { Api } from '../api/server.ts';

/** A country, by its ISO 3166 code. */
export const countryShape = z.object({ code: z.string(), name: z.string() });

/** Assigned by the language library, not by ISO 3166-1. */
const noCountries = new Set(['AC', 'CP', 'CQ', 'DG', 'EA', 'EU', 'EZ', 'IC', 'QO', 'TA', 'UN', 'XA', 'XB', 'XK', 'ZZ']);

export function registerCountries(api: Api): void {
  api.get(
    '/api/v3/policies/geoip_iso3166/',
    { config: { operation: { summary: 'Countries that policies can name', answer: z.array(countryShape) } } },
    (request) => {
      requirePrincipal(request);
      return [...countries()].map(([code, name]) => ({ code, name }));
    },
  );
}

/** English names by code. */
export function countries(): ReadonlyMap<string, string> {
  const names = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
  const codes = [...letters].flatMap((one) => [...letters].map((other) => one + other));
  const isCurrent = (code: string) =>
    !noCountries.has(code) && Intl.getCanonicalLocales(`und-${code}`)[0] === `und-${code}`;
  return new Map(
    codes.filter(isCurrent).flatMap((code): [string, string][] => {
      const name = names.of(code);
      return name === undefined ? [] : [[code, name]];
    }),
  );
}
