// The parts of untyped test oracles that the tests use.
declare module '@ldapjs/dn' {
  export const DN: { fromString(text: string): { readonly length: number } };
}
declare module '@ldapjs/filter' {
  const filter: { parseString(text: string): { toBer(): { readonly buffer: Buffer } } };
  export default filter;
}
