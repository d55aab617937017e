import type { Command } from 'commander';
import { SignJWT } from 'jose';
import type { Context } from '../context.ts';
import { UsageError } from '../exit-codes.ts';

interface TokenFlags {
  role: string[];
  tenant?: string;
  subject: string;
  ttl: string;
  json?: true;
}

const roles = ['admin', 'venue_admin', 'service'];

export function addTokenCommand(program: Command, context: Context): void {
  program
    .command('token')
    .description('make a token for development, signed with JWT_SECRET')
    .option('--role <role...>', 'admin, venue_admin or service', ['service'])
    .option('--tenant <id>', 'tenant; required unless the role is admin')
    .option('--subject <sub>', 'who it is for', 'queuectl')
    .option('--ttl <duration>', 'such as 10m, 12h', '1h')
    .option('--json', 'print {"token": …}')
    .addHelpText(
      'after',
      '\nExamples:\n  export QUEUE_TOKEN=$(queuectl token --tenant venue-1)\n  queuectl token --role admin --ttl 10m',
    )
    .action(async (flags: TokenFlags) => {
      const secret = new TextEncoder().encode(context.env.JWT_SECRET ?? '');
      if (secret.length < 32) throw new UsageError('JWT_SECRET is missing or shorter than 32 bytes');
      const unknown = flags.role.find((role) => !roles.includes(role));
      if (unknown !== undefined) throw new UsageError(`--role ${unknown} is not one of ${roles.join(', ')}`);
      if (flags.tenant === undefined && !flags.role.includes('admin')) {
        throw new UsageError('--tenant is required: without one only an admin can act');
      }
      if (!/^[1-9]\d{0,4} ?[smhd]$/.test(flags.ttl)) throw new UsageError('--ttl is not a duration such as 10m or 12h');
      const token = await new SignJWT({
        roles: flags.role,
        ...(flags.tenant === undefined ? {} : { tenantId: flags.tenant }),
      })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(flags.subject)
        .setIssuedAt()
        .setExpirationTime(flags.ttl)
        .sign(secret);
      context.print(flags.json ? JSON.stringify({ token }) : token);
    });
}
