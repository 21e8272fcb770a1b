// Modules that expressions may import (core.md §16.2); anything else is refused, naming the line.

import { networkFunctions } from '../host/network.ts';
import { RecordObject } from '../host/record.ts';
import { ExceptionType } from '../run/exceptions.ts';
import { type HostObject, Native, type Value } from '../run/values.ts';
import { datetimeModule, timezoneModule } from './datetime.ts';
import { base64Module, hashlibModule, jsonModule, uuidModule } from './encoding.ts';
import { reModule } from './re.ts';

const coreModels: Readonly<Record<string, Value>> = {
  USER_ATTRIBUTE_DEBUG: 'goauthentik.io/user/debug',
  USER_ATTRIBUTE_GENERATED: 'goauthentik.io/user/generated',
  USER_ATTRIBUTE_EXPIRES: 'goauthentik.io/user/expires',
  USER_ATTRIBUTE_DELETE_ON_LOGOUT: 'goauthentik.io/user/delete-on-logout',
  USER_ATTRIBUTE_SOURCES: 'goauthentik.io/user/sources',
  USER_ATTRIBUTE_TOKEN_EXPIRING: 'goauthentik.io/user/token-expires',
  USER_ATTRIBUTE_TOKEN_MAXIMUM_LIFETIME: 'goauthentik.io/user/token-maximum-lifetime',
  USER_ATTRIBUTE_CHANGE_USERNAME: 'goauthentik.io/user/can-change-username',
  USER_ATTRIBUTE_CHANGE_NAME: 'goauthentik.io/user/can-change-name',
  USER_ATTRIBUTE_CHANGE_EMAIL: 'goauthentik.io/user/can-change-email',
  USER_PATH_SERVICE_ACCOUNT: 'goauthentik.io/service-accounts',
  UserTypes: new RecordObject('UserTypes', {
    INTERNAL: 'internal',
    EXTERNAL: 'external',
    SERVICE_ACCOUNT: 'service_account',
    INTERNAL_SERVICE_ACCOUNT: 'internal_service_account',
  }),
};

const requirements = [
  'none',
  'require_authenticated',
  'require_unauthenticated',
  'require_superuser',
  'require_outpost',
];

/** What modules tell of the core. */
export interface ModuleFacts {
  readonly now: () => number;
  /** Settings of the installation, as `request.http_request.tenant` shows them. */
  readonly settings: () => Value;
}

/** Made anew for each core, whose clock and settings are in them. */
export function createModules({ now, settings }: ModuleFacts): ReadonlyMap<string, HostObject> {
  const skip = new ExceptionType('SkipObject');
  const modules: Readonly<Record<string, RecordObject>> = {
    re: reModule(),
    json: jsonModule(),
    datetime: datetimeModule(now),
    hashlib: hashlibModule(),
    base64: base64Module(),
    uuid: uuidModule(),
    ipaddress: new RecordObject('module', {
      ip_address: networkFunctions['ip_address'] ?? null,
      ip_network: networkFunctions['ip_network'] ?? null,
    }),
    'django.utils.timezone': timezoneModule(now),
    'authentik.admin.utils': new RecordObject('module', {
      get_system_settings: new Native('get_system_settings', settings),
    }),
    'authentik.core.models': new RecordObject('module', coreModels),
    'authentik.flows.models': new RecordObject('module', {
      FlowAuthenticationRequirement: new RecordObject(
        'FlowAuthenticationRequirement',
        Object.fromEntries(requirements.map((name) => [name.toUpperCase(), name])),
      ),
    }),
    'authentik.core.expression.exceptions': new RecordObject('module', { SkipObjectException: skip, SkipObject: skip }),
  };
  return new Map(Object.entries(modules));
}
