// Settings of the installation as expressions see them (`request.http_request.tenant`, core.md §9.6).
import type { CoreDeps } from '../../deps.ts';
import { Converter } from '../run/convert.ts';
import type { Value } from '../run/values.ts';
import { RecordObject } from './record.ts';

export function tenantSettings({ settings }: CoreDeps): Value {
  const converter = new Converter();
  const fields = Object.entries(settings.current()).map(([name, value]): [string, Value] => [
    name,
    converter.toValue(value),
  ]);
  return new RecordObject('Tenant', Object.fromEntries(fields));
}
