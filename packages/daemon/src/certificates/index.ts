// Entry `@gatehouse/daemon/certificates`. Users: core, radius. Not part of `./tls`, which every daemon loads: the library behind
// it takes as long to load as all else of one.
export { clientChain, type Issuers, outOfDate } from './chain.ts';
export { alternativeNames, commonName, mailAddresses, oneLine, pemBlocks } from './names.ts';
