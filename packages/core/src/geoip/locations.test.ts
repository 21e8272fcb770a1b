import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { captureLogger, fakeClock, temporaryFolder } from '@gatehouse/daemon/testing';
import { expect, test } from 'vitest';
import { writeMmdb } from '../testing/mmdb.ts';
import { countries } from './countries.ts';
import { distanceKm } from './distance.ts';
import { createLocations, prefixOf } from './locations.ts';

const london = {
  continent: { code: 'EU' },
  country: { iso_code: 'GB' },
  city: { names: { en: 'London' } },
  location: { latitude: 51.5, longitude: -0.12 },
};

test('core §20.1: places and networks of addresses; a file that changes or goes counts at once, a broken one changes nothing', async () => {
  await using folder = await temporaryFolder();
  const paths = { geoip: join(folder.path, 'city.mmdb'), asn: join(folder.path, 'asn.mmdb') };
  const clock = fakeClock();
  const locations = createLocations(paths, { clock, log: captureLogger() });
  expect(await locations.of('203.0.113.7')).toEqual({ place: undefined, network: undefined });
  await writeFile(paths.geoip, writeMmdb('GeoLite2-City', { '203.0.113.0/24': london }));
  const network = { autonomous_system_number: 64_496, autonomous_system_organization: 'Example Net' };
  await writeFile(paths.asn, writeMmdb('GeoLite2-ASN', { '203.0.113.0/25': network }));
  await clock.advance(5_000);
  expect(await locations.present()).toEqual({ places: true, networks: true });
  expect(await locations.of('203.0.113.7')).toEqual({
    place: { continent: 'EU', country: 'GB', lat: 51.5, long: -0.12, city: 'London' },
    network: { asn: 64_496, as_org: 'Example Net', network: '203.0.113.0/25' },
  });
  expect(await locations.of('203.0.113.200')).toMatchObject({ place: { country: 'GB' }, network: null });
  expect(await locations.of('198.51.100.1')).toEqual({ place: null, network: null });
  expect(await locations.of('not an address')).toEqual({ place: null, network: null });
  await writeFile(paths.geoip, 'half a downloa');
  await clock.advance(5_000);
  expect((await locations.of('203.0.113.7')).place?.country).toBe('GB');
  await writeFile(paths.geoip, writeMmdb('GeoLite2-City', { '203.0.113.0/24': { country: { iso_code: 'FR' } } }));
  await clock.advance(5_000);
  expect((await locations.of('203.0.113.7')).place).toEqual({
    continent: '',
    country: 'FR',
    lat: null,
    long: null,
    city: '',
  });
  await rm(paths.geoip);
  await clock.advance(5_000);
  expect((await locations.of('203.0.113.7')).place).toBeUndefined();
});

test('networks in CIDR notation, distances on the globe, countries of ISO 3166-1', () => {
  expect(prefixOf('203.0.113.77', 28)).toBe('203.0.113.64/28');
  expect(prefixOf('2001:db8:abcd:12::1', 48)).toBe('2001:db8:abcd::/48');
  expect(prefixOf('::ffff:192.0.2.1', 128)).toBe('::ffff:c000:201/128');
  expect(distanceKm({ lat: 51.5, long: -0.12 }, { lat: 48.85, long: 2.35 })).toBeCloseTo(343, -1);
  expect(distanceKm({ lat: 0, long: 0 }, { lat: 0, long: 180 })).toBeCloseTo(20_015, -1);
  expect(countries().size).toBe(249);
  expect(countries().get('GB')).toBe('United Kingdom');
});
