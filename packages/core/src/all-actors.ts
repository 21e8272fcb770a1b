// Everything this build does by itself, with the folders that it needs for it.
import { blueprintActors } from './blueprints/tasks.ts';
import { discoverCertificates } from './crypto/discovery.ts';
import { notificationActors } from './events/notifications/dispatch.ts';
import { mailActors, type Post } from './mail/send.ts';
import { sendLogout } from './oidc/backchannel-logout.ts';
import type { Actor } from './tasks/actor.ts';
import { housekeeping } from './tasks/housekeeping.ts';

export interface ActorOptions {
  readonly certificatesDir?: string | undefined;
  readonly post: Post;
}

export function createActors({ certificatesDir, post }: ActorOptions): readonly Actor[] {
  return [
    ...housekeeping,
    ...blueprintActors,
    sendLogout,
    ...mailActors(post),
    ...notificationActors(post),
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
