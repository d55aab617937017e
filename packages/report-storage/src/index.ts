export { reportStorageConfig } from './config.ts';
export { createFileStorage } from './file-storage.ts';
export * from './report-storage.ts';
