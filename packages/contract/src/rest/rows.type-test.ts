// Compiles only while the vendor's types fit the rows that outposts read.
import type {
  Group,
  LDAPOutpostConfig,
  Outpost,
  ProxyOutpostConfig,
  RadiusOutpostConfig,
  User,
} from '@goauthentik/api';
import type { z } from 'zod';
import type { groupRow, ldapProviderRow, outpostRow, proxyProviderRow, radiusProviderRow, userRow } from './rows.ts';
import type { Wire } from './wire.ts';

/** The vendor's enumerations are open, ours are not. */
type Mode = 'search_mode' | 'bind_mode';
type Fits<Row, Given extends Row> = Given;
export type Checks = [
  Fits<Pick<z.input<typeof outpostRow>, 'pk' | 'name' | 'type'>, Pick<Wire<Outpost>, 'pk' | 'name' | 'type'>>,
  Fits<Omit<z.input<typeof ldapProviderRow>, Mode>, Omit<Wire<LDAPOutpostConfig>, Mode>>,
  Fits<
    Pick<z.input<typeof radiusProviderRow>, 'pk' | 'application_slug' | 'auth_flow_slug'>,
    Pick<Wire<RadiusOutpostConfig>, 'pk' | 'application_slug' | 'auth_flow_slug'>
  >,
  Fits<
    Pick<z.input<typeof proxyProviderRow>, 'pk' | 'external_host' | 'access_token_validity'>,
    Pick<Wire<ProxyOutpostConfig>, 'pk' | 'external_host' | 'access_token_validity'>
  >,
  Fits<
    Pick<z.input<typeof userRow>, 'pk' | 'username' | 'uid' | 'uuid' | 'date_joined'>,
    Pick<Wire<User>, 'pk' | 'username' | 'uid' | 'uuid' | 'date_joined'>
  >,
  Fits<Pick<z.input<typeof groupRow>, 'pk' | 'num_pk' | 'name'>, Pick<Wire<Group>, 'pk' | 'num_pk' | 'name'>>,
];

// @ts-expect-error a key in camelCase is not on the wire, and `any` would let it pass
export type Refused = Fits<{ base_dn: string }, { baseDn: string }>;
