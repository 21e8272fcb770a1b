// How large a filter in a control may be; the message around it has passed its own limit already.
import type { DecodeLimits } from '@gatehouse/wire/ldap';

export const filterLimits: DecodeLimits = { maxBytes: 4_194_304, maxDepth: 64, maxFilterNodes: 4_096 };
