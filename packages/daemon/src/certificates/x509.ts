// The one file that imports @peculiar/x509 in this package.
export * as x509 from '@peculiar/x509';
