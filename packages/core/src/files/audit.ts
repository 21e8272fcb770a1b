// Events about stored files (files.md §10): who put or removed what, and, once an hour, that a store is out of order.
import type { Usage } from '@gatehouse/storage';
import type { ApiRequest } from '../api/request.ts';
import type { CoreDeps } from '../deps.ts';
import { recordEvent } from '../events/record.ts';

export interface FileEvent {
  readonly name: string;
  readonly usage: Usage;
  readonly mime_type?: string;
  readonly renamed_from?: string;
  readonly size?: number;
  readonly sha256?: string;
}

export async function recordFileEvent(
  deps: CoreDeps,
  request: ApiRequest,
  action: 'model_created' | 'model_updated' | 'model_deleted',
  file: FileEvent,
): Promise<void> {
  const { principal, clientIp } = request.caller;
  await recordEvent(deps, {
    action,
    app: 'authentik.admin.files',
    user: principal?.user,
    clientIp,
    context: {
      model: { app: 'authentik_admin_files', model_name: 'File', pk: file.name, ...file },
      http_request: { path: request.originalUrl.split('?')[0], method: request.method, request_id: request.id },
    },
  });
}

const onceInMs = 3_600_000;

/** @returns tells of a cause at most once an hour, however many requests it fails */
export function createTroubleReport(deps: CoreDeps): (usage: Usage, cause: Error) => Promise<void> {
  const toldAtMs = new Map<string, number>();
  return async (usage, cause) => {
    const now = deps.clock.now();
    const about = `${usage} ${'code' in cause ? String(cause.code) : cause.name}`;
    if (now - (toldAtMs.get(about) ?? Number.NEGATIVE_INFINITY) < onceInMs) return;
    toldAtMs.set(about, now);
    deps.log.warn('stored files out of order', { name: usage, error: cause.message });
    await recordEvent(deps, {
      action: 'configuration_error',
      app: 'authentik.admin.files',
      context: { message: `Files of usage ${usage} cannot be stored or read: ${cause.message}`, usage },
    });
  };
}
