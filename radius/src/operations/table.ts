// Which operation answers which code on which port: Access-, Accounting-Request and Status-Server; requests of other realms go
// to their home servers before anything is decided here. Called by start.ts.
import { packetCode } from '@gatehouse/wire/radius';
import type { Operation } from '../datagram/request.ts';
import { type AccessOptions, createAccessRequest } from './access-request.ts';
import { type AccountingOptions, createAccountingRequest } from './accounting-request.ts';
import { createForwardRequest, type ForwardOptions } from './forward-request.ts';
import { createStatusServer } from './status-server.ts';

export interface OperationsOptions {
  readonly access: AccessOptions;
  readonly accounting: AccountingOptions;
  readonly forward: ForwardOptions;
  /** Of the core. */
  readonly isReachable: () => Promise<boolean>;
}

/** By code, for each port. */
export interface Operations {
  readonly authentication: ReadonlyMap<number, Operation>;
  readonly accounting: ReadonlyMap<number, Operation>;
}

export function createOperations({ access, accounting, forward, isReachable }: OperationsOptions): Operations {
  const status = createStatusServer(isReachable);
  return {
    authentication: new Map([
      [packetCode.accessRequest, createForwardRequest(forward, createAccessRequest(access))],
      [packetCode.statusServer, status],
    ]),
    accounting: new Map([
      [packetCode.accountingRequest, createForwardRequest(forward, createAccountingRequest(accounting))],
      [packetCode.statusServer, status],
    ]),
  };
}
