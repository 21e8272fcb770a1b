// Which version of the contract we speak (core-contract.md, reference version).

/** Sent in HELLO and User-Agent; the core compares it with its own. */
export const contractVersion = '2026.5.0-rc1';
