// Everything this build does by itself, with the folders that it needs for it.
import { blueprintActors } from './blueprints/tasks.ts';
import { discoverCertificates } from './crypto/discovery.ts';
import { sendLogout } from './oidc/backchannel-logout.ts';
import type { Actor } from './tasks/actor.ts';
import { housekeeping } from './tasks/housekeeping.ts';

export interface ActorOptions {
  readonly certificatesDir?: string | undefined;
}

export function createActors({ certificatesDir }: ActorOptions): readonly Actor[] {
  return [
    ...housekeeping,
    ...blueprintActors,
    sendLogout,
    {
      name: 'authentik.crypto.tasks.certificate_discovery',
      description: 'Take over the certificates of the folder.',
      schedule: { crontab: '~ * * * *', onStartup: true },
      async run(task) {
        if (certificatesDir === undefined) task.log('info', 'No folder is set');
        else await discoverCertificates(task, certificatesDir);
      },
    },
  ];
}
