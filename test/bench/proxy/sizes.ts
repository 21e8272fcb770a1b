// How large and how fast the rooms are in bulk: 5,000 providers, 50,000 remembered sessions. After a build:
// `node --expose-gc --import tsx test/bench/proxy/sizes.ts`. Prints JSON.
import { proxyBulk } from '@gatehouse/proxy/testing';

console.log(JSON.stringify(await proxyBulk({ providers: 5_000, sessions: 50_000 }), undefined, 2));
process.exit(0);
