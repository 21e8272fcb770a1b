// Requests as expressions see them (core.md §14.1, §16.1): of a policy, and of HTTP below it.
import { type BrandRecord, brandOfHost, brandValue } from '../../brands/current.ts';
import type { CoreDeps } from '../../deps.ts';
import type { FlowRequest } from '../../flows/request.ts';
import { Converter } from '../run/convert.ts';
import { Dict, type Value } from '../run/values.ts';
import { UserObject } from './identity.ts';
import { RecordObject } from './record.ts';
import { tenantSettings } from './tenant.ts';

export interface PolicyRequestOptions {
  readonly user: UserObject;
  readonly request: FlowRequest | undefined;
  readonly context: Value;
}

/** `request` of policies, mappings and prompts. */
export function policyRequestObject(deps: CoreDeps, { user, request, context }: PolicyRequestOptions): Value {
  return new RecordObject('PolicyRequest', {
    user,
    http_request: once(() => httpRequestObject(deps, request)),
    context,
    obj: null,
    debug: false,
  });
}

/** Made when first looked at, and the same one from then on: most expressions never look. */
function once(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** `None` where no request leads to the question. */
export function httpRequestObject(deps: CoreDeps, request: FlowRequest | undefined): Value {
  if (request === undefined) return null;
  const headers: readonly [string, Value][] = [
    ['REMOTE_ADDR', request.clientIp],
    ['HTTP_USER_AGENT', request.userAgent],
    ['HTTP_HOST', request.host],
  ];
  return new RecordObject('HttpRequest', {
    GET: Dict.of([...request.query].map(([name, value]) => [name, value])),
    META: Dict.of(headers),
    headers: Dict.of([
      ['User-Agent', request.userAgent],
      ['Host', request.host],
    ]),
    request_id: request.requestId,
    scheme: request.secure ? 'https' : 'http',
    user: new UserObject(deps, request.user, request.host),
    brand: async () => brandObject(await brandOfHost(deps, request.host)),
    tenant: () => tenantSettings(deps),
  });
}

function brandObject(brand: BrandRecord | undefined): Value {
  const value = (name: Parameters<typeof brandValue>[1]) => new Converter().toValue(brandValue(brand, name));
  return new RecordObject(
    'Brand',
    {
      domain: value('domain'),
      branding_title: value('branding_title'),
      branding_logo: value('branding_logo'),
      branding_favicon: value('branding_favicon'),
      default: value('default'),
      attributes: value('attributes'),
    },
    { text: `Brand ${brand?.domain ?? 'fallback'}` },
  );
}
