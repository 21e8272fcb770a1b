// EAP inside Access-Requests (radius.md §8). A provider without a certificate can offer nothing: EAP-Failure.
import type { Clock } from '@gatehouse/daemon/async';
import type { CertificatePair } from '@gatehouse/outpost';
import { packetCode, splitValue } from '@gatehouse/wire/radius';
import type { Provider } from '../clients/provider.ts';
import type { AdmittedRequest, Answer } from '../datagram/request.ts';
import type { AccessOptions } from '../operations/access-request.ts';

export interface EapOptions extends Pick<AccessOptions, 'access' | 'log' | 'onCoreFailure' | 'requireAttributes'> {
  readonly clock: Clock;
  readonly certificate: (provider: Provider) => CertificatePair | undefined;
  readonly onEnd: (method: string, result: string) => void;
}

export interface Eap {
  receive(request: AdmittedRequest, message: Buffer): Promise<Answer>;
  /** Conversations going on. */
  readonly size: number;
}

export function createEap({ onEnd }: EapOptions): Eap {
  return {
    size: 0,
    async receive(_request, message) {
      // E17: what is no EAP packet gets no answer.
      if (message.length < 5 || message.readUInt16BE(2) !== message.length || message.readUInt8(0) !== 2)
        return { kind: 'silence', reason: 'malformed' };
      onEnd('none', 'failure');
      const failure = Buffer.of(4, message.readUInt8(1), 0, 4);
      return {
        kind: 'reply',
        code: packetCode.accessReject,
        attributes: splitValue(79, failure),
        reason: 'eap_failure',
      };
    },
  };
}
