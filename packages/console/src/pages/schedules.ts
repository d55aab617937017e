import { ProblemError, type ScheduleResource } from '@queue-service/client';
import { catchUpPolicies, contractOf, isJobType, jobTypes, overlapPolicies } from '@queue-service/contracts';
import type { Router } from 'express';
import type { Call, Done, Handlers, View } from '../call.ts';
import { action, input, select } from '../fields.ts';
import { ago, at, badge, duration, json } from '../format.ts';
import { type Html, html } from '../html.ts';
import { problemPage } from '../problem-page.ts';
import { nextPage, table } from '../table.ts';
import { facts } from './jobs.ts';

type Filters = NonNullable<Parameters<Call['client']['schedules']['list']>[0]>;
type NewSchedule = Parameters<Call['client']['schedules']['create']>[0];

const path = '/admin/schedules';

/** Jobs that are made again and again: when next, what became of the times before. */
export function schedulePages(router: Router, { view, change }: Handlers): void {
  router.get(
    '/schedules',
    view(async (call) => {
      const filters = call.filters<Filters>();
      const { schedules, nextCursor } = await call.client.schedules.list(filters);
      return {
        title: 'Schedules',
        body: html`
          <div class="title"><h1>Schedules</h1><a class="button primary" href="${path}/new">New schedule</a></div>
          <div id="live" data-live="10">
            ${table('Schedules', schedules, [
              { name: 'Schedule', cell: ({ id, name }) => html`<a href="${path}/${id}">${name}</a>` },
              { name: 'State', cell: ({ active }) => badge(active ? 'active' : 'paused') },
              { name: 'Job', cell: ({ type }) => type },
              { name: 'When', cell: (schedule) => rhythm(schedule) },
              { name: 'Next', cell: ({ nextRun }) => ago(nextRun, call.nowMs) },
              {
                name: 'Last',
                cell: ({ lastRun, lastStatus }) =>
                  html`${ago(lastRun, call.nowMs)} ${lastStatus !== null && badge(lastStatus)}`,
              },
              call.session.admin && { name: 'Tenant', cell: ({ tenantId }) => tenantId },
            ])}
          </div>
          ${nextPage(path, { ...filters }, nextCursor)}`,
      };
    }),
  );

  router.get(
    '/schedules/new',
    view(async (call) => ({ title: 'New schedule', body: scheduleForm((name) => call.query(name), null) })),
  );

  router.post(
    '/schedules',
    change(async (call): Promise<Done | View> => {
      try {
        const schedule = await call.client.schedules.create(scheduleOf(call));
        return { to: `${path}/${schedule.id}`, told: `The schedule ${schedule.name} is set.` };
      } catch (error) {
        if (!(error instanceof ProblemError) && !(error instanceof SyntaxError)) throw error;
        const problem =
          error instanceof SyntaxError
            ? html`<p class="notice bad" role="alert">The payload is not valid JSON: ${error.message}</p>`
            : problemPage(error).body;
        return { title: 'New schedule', status: 400, body: scheduleForm((name) => call.field(name), problem) };
      }
    }),
  );

  router.get(
    '/schedules/:id',
    view(async (call) => {
      const id = call.param('id');
      const { schedules } = call.client;
      const [schedule, { fires: next }, { fires: past }] = await Promise.all([
        schedules.get(id),
        schedules.preview(id, { count: 5 }),
        schedules.fires(id, { limit: '20' }),
      ]);
      return { title: schedule.name, body: schedulePage(call, schedule, next, past) };
    }),
  );

  for (const active of [true, false]) {
    router.post(
      `/schedules/:id/${active ? 'resume' : 'pause'}`,
      change(async (call) => {
        const { id, name } = await call.client.schedules.update(call.param('id'), { active });
        return { to: `${path}/${id}`, told: `${name} ${active ? 'fires again' : 'is paused'}.` };
      }),
    );
  }
  router.post(
    '/schedules/:id/run',
    change(async (call) => {
      const { fire } = await call.client.schedules.run(call.param('id'));
      return { to: `${path}/${fire.scheduleId}`, told: 'It was fired now.' };
    }),
  );
  router.post(
    '/schedules/:id/remove',
    change(async (call) => {
      await call.client.schedules.remove(call.param('id'));
      return { to: path, told: 'The schedule is removed; the jobs that it made stay.' };
    }),
  );
}

type Fires = Awaited<ReturnType<Call['client']['schedules']['fires']>>['fires'];
type Times = Awaited<ReturnType<Call['client']['schedules']['preview']>>['fires'];

function schedulePage(call: Call, schedule: ScheduleResource, next: Times, past: Fires): Html {
  const { id, name, active } = schedule;
  return html`
    <div class="title"><h1>${name}</h1>${badge(active ? 'active' : 'paused')}</div>
    <div class="actions">
      ${action(`${path}/${id}/run`, 'Run now', { className: 'primary' })}
      ${action(`${path}/${id}/${active ? 'pause' : 'resume'}`, active ? 'Pause' : 'Resume')}
      ${action(`${path}/${id}/remove`, 'Remove', { className: 'danger', confirm: `Remove the schedule ${name}?` })}
    </div>
    <div class="columns">
      <section class="card" aria-labelledby="next-title">
        <h2 id="next-title">Next fires</h2>
        ${!active && html`<p class="muted">Paused: these would be its times.</p>`}
        ${
          next.length === 0
            ? html`<p class="empty">None any more.</p>`
            : html`<ol class="timeline" id="next-fires">${next.map(({ fireAt }) => html`<li class="busy"><span class="when">${at(fireAt)}</span>${ago(fireAt, call.nowMs)}</li>`)}</ol>`
        }
      </section>
      <section class="card" aria-labelledby="schedule-title">
        <h2 id="schedule-title">Schedule</h2>
        ${facts([
          ['job', schedule.type],
          ['when', rhythm(schedule)],
          ['tenant', schedule.tenantId],
          ['overlap', schedule.overlap],
          ['catch-up', `${schedule.catchUp}, within ${duration(schedule.catchUpWindowMs)}`],
          ['made by', schedule.createdBy ?? '–'],
          ['version', schedule.version],
        ])}
        <h3>Payload</h3>
        ${json(schedule.data)}
      </section>
    </div>
    <h2>History</h2>
    <div id="live" data-live="5">
      ${table('What became of its times', past, [
        { name: 'Time', cell: ({ fireAt }) => at(fireAt) },
        { name: 'Became', cell: ({ status }) => badge(status) },
        {
          name: 'Job',
          cell: ({ jobId, jobStatus }) =>
            jobId !== null && html`<a href="/admin/jobs/${jobId}">${jobStatus ?? 'job'}</a>`,
        },
        { name: 'Why', text: true, cell: ({ reason }) => reason ?? '' },
      ])}
    </div>`;
}

function scheduleForm(value: (name: string) => string | undefined, problem: Html | null): Html {
  const type = value('type') ?? 'analytics-track';
  const example = isJobType(type) ? JSON.stringify(contractOf(type).example.payload, null, 2) : '{}';
  return html`
    <h1>New schedule</h1>
    ${problem}
    <form method="get" action="${path}/new" class="filters">
      ${select('type', 'Type of job', jobTypes, type, null)}
      <div><button>Use this type</button></div>
    </form>
    <form method="post" action="${path}" class="card">
      <input type="hidden" name="type" value="${type}">
      <div class="fields">
        ${input('name', 'Name', value('name'), { required: true })}
        ${input('cron', 'Cron', value('cron'), { placeholder: '0 3 * * *', hint: 'minute hour day month weekday' })}
        ${input('everySeconds', 'or every … seconds', value('everySeconds'), { type: 'number' })}
        ${input('timezone', 'Time zone', value('timezone') ?? 'UTC', { hint: 'as Europe/Zurich' })}
        ${select('overlap', 'While the job before still runs', overlapPolicies, value('overlap') ?? 'skip', null)}
        ${select('catchUp', 'Times that were missed', catchUpPolicies, value('catchUp') ?? 'last', null)}
        <div class="whole">
          <label for="data">Payload of each ${type} (JSON)</label>
          <textarea id="data" name="data" rows="10" spellcheck="false">${value('data') ?? example}</textarea>
        </div>
      </div>
      <button class="primary">Create</button>
    </form>`;
}

/** @throws SyntaxError for a payload that is no JSON */
function scheduleOf(call: Call): NewSchedule {
  const { field } = call;
  const every = field('everySeconds');
  return {
    name: field('name') ?? '',
    type: field('type') ?? '',
    data: JSON.parse(field('data') ?? '{}') as NewSchedule['data'],
    timezone: field('timezone'),
    overlap: field('overlap') as NewSchedule['overlap'],
    catchUp: field('catchUp') as NewSchedule['catchUp'],
    ...(every === undefined ? { cron: field('cron') ?? '' } : { everyMs: Number(every) * 1_000 }),
  };
}

function rhythm({ cron, everyMs, timezone }: ScheduleResource): Html {
  return cron === null ? html`every ${duration(everyMs ?? 0)}` : html`<code>${cron}</code> ${timezone}`;
}
