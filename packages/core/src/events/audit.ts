// An event for each change of an object that administrators manage (core.md §20.1, "Audit of model changes").
import type { CoreDeps } from '../deps.ts';
import type { Author, Change } from '../models/unit.ts';
import { recordEvent } from './record.ts';

export async function auditChanges(deps: CoreDeps, changes: readonly Change[], author: Author): Promise<void> {
  if (author.userPk === undefined) return;
  const user = { id: author.userPk, username: author.username, email: '' };
  for (const { model, action, row, key } of changes) {
    if (model === 'authentik_events.event') continue;
    const [app = '', name = ''] = model.split('.');
    const title = row['name'] ?? row['username'] ?? row['identifier'] ?? row['slug'] ?? '';
    await recordEvent(deps, {
      action: `model_${action}`,
      app: app.replace('_', '.'),
      user,
      clientIp: author.clientIp,
      context: { model: { app, model_name: name, pk: key, name: title } },
    });
  }
}
