// Which brand's certificate answers a ClientHello (router.md §5.3): label-wise match, longest domain first, then the
// default brand, else nothing.

export interface BrandCertificate {
  readonly domain: string;
  readonly isDefault: boolean;
  /** Key pair id; brands without one never win. */
  readonly webCertificate: string | undefined;
}

export function chooseBrand<Brand extends BrandCertificate>(
  brands: readonly Brand[],
  serverName: string | undefined,
): Brand | undefined {
  const withCertificate = brands.filter((brand) => brand.webCertificate !== undefined);
  const name = serverName?.toLowerCase().replace(/\.$/, '');
  const matching = withCertificate.filter((brand) => name !== undefined && covers(brand.domain.toLowerCase(), name));
  const longest = matching.toSorted((one, other) => other.domain.length - one.domain.length)[0];
  return longest ?? withCertificate.find((brand) => brand.isDefault);
}

function covers(domain: string, name: string): boolean {
  return domain !== '' && (name === domain || name.endsWith(`.${domain}`));
}
