import { parseArgs } from 'node:util';
import pg from 'pg';
import { applyMigrations, createMigration, diffSchema, markRolledBack, migrationStatus } from '../migrate/index.ts';

const USAGE = `Usage: migrate [--status | --diff | --create <name> | --rolled-back <name>]
  (nothing)             apply what is not applied yet
  --status              say what is applied, pending and failed; exit code 1 when something is to be done
  --diff                print the SQL between the migrations and prisma/schema.prisma; exit code 1 when there is any
  --create <name>       write that SQL as a new migration
  --rolled-back <name>  let a migration that failed be tried again
The database is the one of DATABASE_URL; --diff and --create only borrow its server for a scratch database.
`;

async function status(databaseUrl: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const found = await migrationStatus(async (sql) => (await client.query(sql)).rows);
    for (const name of found.applied) console.log(`applied  ${name}`);
    for (const name of found.pending) console.log(`pending  ${name}`);
    for (const name of found.failed) console.log(`failed   ${name}`);
    return found.upToDate;
  } finally {
    await client.end();
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      status: { type: 'boolean' },
      diff: { type: 'boolean' },
      create: { type: 'string' },
      'rolled-back': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const databaseUrl = process.env.DATABASE_URL;
  if (!databaseUrl) throw new Error('DATABASE_URL is not set');
  if (values.status) return (await status(databaseUrl)) ? 0 : 1;
  if (values.diff) {
    const script = await diffSchema({ databaseUrl });
    console.log(script === '' ? 'prisma/schema.prisma and the migrations agree' : script);
    return script === '' ? 0 : 1;
  }
  if (values.create !== undefined) {
    const file = await createMigration({ databaseUrl, name: values.create, now: new Date() });
    console.log(file ?? 'nothing to migrate: prisma/schema.prisma and the migrations agree');
    return 0;
  }
  const rolledBack = values['rolled-back'];
  if (rolledBack !== undefined) {
    await markRolledBack({ databaseUrl, name: rolledBack });
    console.log(`${rolledBack} will be tried again`);
    return 0;
  }
  const applied = await applyMigrations({ databaseUrl, log: (line) => console.log(line) });
  if (applied.length === 0) console.log('nothing to apply');
  return 0;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
