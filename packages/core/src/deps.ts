// What the rooms of the core share. Built once in start.ts and handed on; nothing of it is global.
import type { Clock } from '@gatehouse/daemon/async';
import type { Secret } from '@gatehouse/daemon/config';
import type { Logger } from '@gatehouse/daemon/log';
import type { CertificatePeers } from './api/client-certificate.ts';
import type { Throttle } from './api/throttle.ts';
import type { BlueprintFolders } from './blueprints/folder.ts';
import type { Database } from './database/connection.ts';
import type { Epochs } from './database/remembered.ts';
import type { CoreFiles } from './files/core-files.ts';
import type { Locations } from './geoip/locations.ts';
import type { PasswordHasher } from './identity/passwords/hasher.ts';
import type { CoreMetrics } from './metrics.ts';
import type { Registry } from './models/registry.ts';
import type { Author, Change } from './models/unit.ts';
import type { OutpostChannels } from './outposts/channels.ts';
import type { SessionStore } from './sessions/store.ts';
import type { SettingsStore } from './system/settings.ts';
import type { Actor } from './tasks/actor.ts';

export interface CoreDeps {
  readonly database: Database;
  /** What has been read of the configuration holds for one of these (database/remembered.ts). */
  readonly epochs: Epochs;
  readonly log: Logger;
  readonly metrics: CoreMetrics;
  readonly clock: Clock;
  readonly secretKey: Secret;
  /** Part of every user's `uid`; never changes. */
  readonly installationId: string;
  readonly passwords: PasswordHasher;
  readonly sessions: SessionStore;
  readonly settings: SettingsStore;
  readonly channels: OutpostChannels;
  readonly files: CoreFiles;
  /** URL prefix of the installation, with slashes at both ends. */
  readonly webPath: string;
  readonly registry: Registry;
  /** The files of blueprints. */
  readonly blueprints: BlueprintFolders;
  /** Everything this version does by itself. */
  readonly actors: readonly Actor[];
  /** Tells everybody concerned of committed changes: outposts, audit. */
  readonly announce: (changes: readonly Change[], author: Author) => Promise<void>;
  /** Where breached passwords are looked up: an address or a folder (policies/kinds/breaches.ts). */
  readonly pwnedPasswords: string;
  /** How often those may ask who say nothing of themselves. */
  readonly anonymous: Throttle;
  /** How often an address may start a device, and an account mistype the code of one. */
  readonly deviceStarts: Throttle;
  /** Whose client-certificate headers are believed. */
  readonly certificatePeers: CertificatePeers;
  /** Where addresses are, as far as the installation has databases of it. */
  readonly locations: Locations;
  readonly version: string;
}
