// Object identifiers of extended operations, controls and features (ldap.md §16).
export const extendedOid = {
  startTls: '1.3.6.1.4.1.1466.20037',
  noticeOfDisconnection: '1.3.6.1.4.1.1466.20036',
  whoAmI: '1.3.6.1.4.1.4203.1.11.3',
  passwordModify: '1.3.6.1.4.1.4203.1.11.1',
  cancel: '1.3.6.1.1.8',
} as const;

export const controlOid = {
  pagedResults: '1.2.840.113556.1.4.319',
  sortRequest: '1.2.840.113556.1.4.473',
  sortResponse: '1.2.840.113556.1.4.474',
  vlvRequest: '2.16.840.1.113730.3.4.9',
  vlvResponse: '2.16.840.1.113730.3.4.10',
  manageDsaIT: '2.16.840.1.113730.3.4.2',
  domainScope: '1.2.840.113556.1.4.1339',
  authorizationIdentityRequest: '2.16.840.1.113730.3.4.16',
  authorizationIdentityResponse: '2.16.840.1.113730.3.4.15',
  passwordPolicy: '1.3.6.1.4.1.42.2.27.8.5.1',
  assertion: '1.3.6.1.1.12',
  matchedValues: '1.2.826.0.1.3344810.2.3',
  subentries: '1.3.6.1.4.1.4203.1.10.1',
  proxiedAuthorization: '2.16.840.1.113730.3.4.18',
} as const;
