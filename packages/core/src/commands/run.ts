// What the core can do besides running, by its words. Called by the gatehouse command.
import type { Commands } from '@gatehouse/daemon/commands';
import { apply } from './apply.ts';
import { backup } from './backup.ts';
import { doctor } from './doctor.ts';
import { exportBlueprint } from './export.ts';
import { files } from './files.ts';
import { mail } from './mail.ts';
import { recovery } from './recovery.ts';
import { users } from './users.ts';

export const coreCommands: Commands = {
  recovery: { usage: '<user> [minutes]', summary: 'print a link that logs a user in once', run: recovery },
  apply: { usage: '<blueprint>… [--dry-run]', summary: 'apply blueprints', run: apply },
  export: { usage: '', summary: 'print everything as one blueprint, without secrets', run: exportBlueprint },
  users: {
    usage: 'import <file> [--format=ldif|glauth|csv] [--update] [--dry-run]',
    summary: 'take over users with their passwords',
    run: users,
  },
  files: { usage: 'migrate [--dry-run]', summary: 'turn values of the time of /media/ into names', run: files },
  mail: { usage: 'test <address>', summary: 'send a mail through the configured server', run: mail },
  backup: {
    usage: '<folder>',
    summary: 'copy the whole data folder, as of one moment, while everything runs',
    run: backup,
  },
  doctor: { usage: '', summary: 'look for what is wrong, and say what to do about it', run: doctor },
};
