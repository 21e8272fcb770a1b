// Entry `@gatehouse/storage`. Users: the core (files API, references in objects) and the router (serving).
export { awsCredentials } from './aws-credentials.ts';
export type {
  Backend,
  ByteRange,
  FileContent,
  ListedFile,
  Manageability,
  ManageableBackend,
  PutOptions,
  UrlContext,
} from './backend.ts';
export { createFileBackend, type FileBackendOptions } from './backends/file.ts';
export { createPassthroughBackend } from './backends/passthrough.ts';
export { createS3Backend, type S3Backend, type S3BackendOptions } from './backends/s3.ts';
export type { S3Credentials, S3Options } from './backends/s3-config.ts';
export { createStaticBackend, type StaticBackendOptions } from './backends/static.ts';
export { contentTypeOf } from './content-types.ts';
export { type CopyOptions, type CopyProblem, type CopyReport, copyFiles } from './copy.ts';
export { type StorageErrorCode, storageError } from './errors.ts';
export { createStorageManager, type SavedFile, type SaveOptions, type StorageManager } from './manager.ts';
export {
  asFileName,
  type FileName,
  isExternalUrl,
  isIconClass,
  isStaticPath,
  parseFieldValue,
  parseFileName,
} from './names.ts';
export { type OpenStorageOptions, openBackend, openStorage } from './open.ts';
export { type FilePage, type FileQuery, pageOfFiles } from './pages.ts';
export { compareReferences, type Reference, type ReferenceReport, refersTo } from './references.ts';
export { backendOf, folderOf, type StorageSettings, s3OptionsOf, storageOptions, urlLifeOf } from './settings.ts';
export { createUrlSigner, signedTarget, signingKey, signingWindow, type UrlSigner } from './signed-url.ts';
export { type ThemedUrls, themedValues, themePlaceholder, themes } from './themes.ts';
export { isApiUsage, isUsage, type Usage, usages } from './usages.ts';
