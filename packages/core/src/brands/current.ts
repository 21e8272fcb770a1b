// Which brand a host belongs to (core.md §9.5), and what flows want to know of it.
import type { Selectable } from 'kysely';
import { remembered } from '../database/remembered.ts';
import type { Tables } from '../database/tables.ts';
import type { CoreDeps } from '../deps.ts';
import { fieldValue } from '../models/represent.ts';
import { brandModel } from './models.ts';

export type BrandRecord = Readonly<Selectable<Tables['brands']>>;

const allBrands = remembered((deps: CoreDeps) => deps.database.kysely.selectFrom('brands').selectAll().execute());

/** The brand whose domain the host ends in, longest first; else the default one. */
export async function brandOfHost(deps: CoreDeps, host: string): Promise<BrandRecord | undefined> {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  const brands = await allBrands(deps, '');
  const matching = brands
    .filter(({ domain }) => name === domain.toLowerCase() || name.endsWith(`.${domain.toLowerCase()}`))
    .sort((one, other) => other.domain.length - one.domain.length);
  return matching[0] ?? brands.find((brand) => brand.default);
}

/** A field of the brand, or its initial value where there is no brand at all. */
export function brandValue(brand: BrandRecord | undefined, name: keyof typeof brandModel.fields): unknown {
  return brand === undefined ? brandModel.fields[name]?.initial?.() : fieldValue(brandModel, brand, name);
}

export function brandTitle(brand: BrandRecord | undefined): string {
  return String(brandValue(brand, 'branding_title'));
}
