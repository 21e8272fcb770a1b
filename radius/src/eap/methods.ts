// The EAP methods that work without the clear password on the server, and what differs between them (radius.md §11.8).
import { eapType } from '@gatehouse/wire/eap';

export interface EapMethod {
  readonly name: 'tls' | 'ttls' | 'peap';
  readonly type: number;
  readonly requestCertificate: boolean;
  /** Label of the key exporter up to TLS 1.2; 1.3 has one for all. */
  readonly label: string;
}

export const eapMethods: readonly EapMethod[] = [
  { name: 'tls', type: eapType.tls, requestCertificate: true, label: 'client EAP encryption' },
  { name: 'ttls', type: eapType.ttls, requestCertificate: false, label: 'ttls keying material' },
  { name: 'peap', type: eapType.peap, requestCertificate: false, label: 'client EAP encryption' },
];

/** RFC 9427 §2: label and one-byte context from TLS 1.3 on. */
export const tls13Label = 'EXPORTER_EAP_TLS_Key_Material';
