import { afterAll } from 'vitest';
import { runCleanup } from './file-cleanup.ts';

// Registered before any hook of the test file, so it runs after all of them: vitest runs afterAll hooks in reverse.
afterAll(runCleanup);
