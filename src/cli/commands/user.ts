import type { UpdateUser } from '../../index.js'
import { confirm, type Cli } from '../cli.js'
import { tokenColumns, userColumns, userDetails } from '../columns.js'
import { defineCommand } from '../command.js'
import {
  changeOptions, choice, databaseOptions, either, flag, integer, json, text, type Values
} from '../options.js'
import { pagesOf } from '../paging.js'
import { changeBy, openServices } from '../services.js'

const memberOptions = {
  name: text('NAME', 'The name of the user'),
  'max-concurrent-bots': integer('NUMBER', 'The number of bots that the user may run at the same time')
}

const create = defineCommand({
  summary: 'Create a user',
  details: 'Creates or upgrades the tables if necessary. Without --max-concurrent-bots, the user may run 3 bots, even ' +
    'if the app has another default.',
  arguments: ['EMAIL'],
  options: {
    ...memberOptions,
    data: json('Data of your own, a JSON object'),
    ...databaseOptions,
    ...changeOptions
  },
  examples: [
    ['Create a user', 'npx fastify-vexa-admin user create jane@example.com'],
    [
      'Create a user with a name, a limit and data',
      'npx fastify-vexa-admin user create jane@example.com --name "Jane Doe" --max-concurrent-bots 5 ' +
      '--data \'{"plan":"pro"}\''
    ]
  ],
  async run (cli, { args: [email], values }) {
    const { users } = await openServices(cli, values, { migrate: true })
    const { name, data, 'max-concurrent-bots': bots } = values
    const user = await users.create({ email, name, max_concurrent_bots: bots, data }, changeBy(values))
    await cli.output.value(user, userDetails)
  }
})

const list = defineCommand({
  summary: 'List users',
  details: 'Lists all users in order of creation, unless an option selects or limits them.',
  arguments: [],
  options: {
    search: text('TEXT', 'Only users whose e-mail address or name contains this text, in any letter case'),
    disabled: flag('Only disabled users'),
    enabled: flag('Only users who are not disabled'),
    order: choice(['asc', 'desc'], 'The oldest user first (asc, the default), or the newest (desc)'),
    limit: integer('NUMBER', 'List at most this number of users', 1),
    ...databaseOptions
  },
  examples: [
    ['List all users', 'npx fastify-vexa-admin user list'],
    ['List the ten newest users', 'npx fastify-vexa-admin user list --order desc --limit 10'],
    ['Print the address of each disabled user', 'npx fastify-vexa-admin user list --disabled --json | jq -r .email']
  ],
  async run (cli, { values }) {
    const { search, order, limit } = values
    const disabled = either(values, 'disabled', 'enabled', false)
    const { users } = await openServices(cli, values)
    await cli.output.list(pagesOf((page) => users.list({ ...page, search, disabled, order }), limit), userColumns)
  }
})

const show = defineCommand({
  summary: 'Show a user and the newest 1000 tokens of the user',
  arguments: ['ID|EMAIL'],
  options: databaseOptions,
  examples: [
    ['Show the user with an id', 'npx fastify-vexa-admin user show user-1'],
    ['Show the user with an e-mail address', 'npx fastify-vexa-admin user show jane@example.com']
  ],
  async run (cli, { args: [idOrEmail], values }) {
    const { users } = await openServices(cli, values)
    const user = idOrEmail.includes('@') ? await users.getByEmail(idOrEmail) : await users.get(idOrEmail)
    await cli.output.value(user, userDetails)
    if (cli.output.isJson || user.api_tokens.length === 0) return
    await cli.output.text('\n')
    await cli.output.list([user.api_tokens], tokenColumns)
  }
})

const update = defineCommand({
  summary: 'Update a user',
  details: 'Members without an option stay as they are.',
  arguments: ['ID'],
  options: {
    email: text('EMAIL', 'The e-mail address'),
    ...memberOptions,
    'no-name': flag('Remove the name'),
    data: json('Changes of the data, a JSON Merge Patch: a member with null is removed'),
    'no-data': flag('Remove all data'),
    ...databaseOptions,
    ...changeOptions
  },
  examples: [
    ['Change the limit of a user', 'npx fastify-vexa-admin user update user-1 --max-concurrent-bots 10'],
    [
      'Set one member of the data, and remove another',
      'npx fastify-vexa-admin user update user-1 --data \'{"plan":"pro","trial":null}\''
    ]
  ],
  run: (cli, { args: [id], values }) => {
    const { email, 'max-concurrent-bots': bots } = values
    const name = either(values, 'name', 'no-name', null)
    const data = either(values, 'data', 'no-data', null)
    return change(cli, id, values, { email, name, max_concurrent_bots: bots, data })
  }
})

const disable = defineCommand({
  summary: 'Disable a user: each of its tokens is rejected',
  arguments: ['ID'],
  options: { ...databaseOptions, ...changeOptions },
  examples: [['Reject all tokens of a user', 'npx fastify-vexa-admin user disable user-1']],
  run: (cli, { args: [id], values }) => change(cli, id, values, { disabled: true })
})

const enable = defineCommand({
  summary: 'Enable a disabled user',
  arguments: ['ID'],
  options: { ...databaseOptions, ...changeOptions },
  examples: [['Accept the tokens of a user again', 'npx fastify-vexa-admin user enable user-1']],
  run: (cli, { args: [id], values }) => change(cli, id, values, { disabled: false })
})

const remove = defineCommand({
  summary: 'Delete a user and all of its tokens',
  details: 'On a terminal, the command asks before it deletes.',
  arguments: ['ID'],
  options: { yes: flag('Do not ask'), ...databaseOptions, ...changeOptions },
  examples: [['Delete a user without a question', 'npx fastify-vexa-admin user delete user-1 --yes']],
  async run (cli, { args: [id], values }) {
    const { users } = await openServices(cli, values)
    if (!values.yes) {
      const { email } = await users.get(id)
      await confirm(cli, `Delete ${id} (${email}) and all of its tokens?`)
    }
    await users.delete(id, changeBy(values))
    await cli.output.done({ id, deleted: true }, `Deleted ${id} and all of its tokens`)
  }
})

async function change (
  cli: Cli, id: string, values: Values<typeof databaseOptions & typeof changeOptions>, changes: UpdateUser
): Promise<void> {
  const { users } = await openServices(cli, values)
  await cli.output.value(await users.update(id, changes, changeBy(values)), userDetails)
}

/** The commands that begin with `user`. */
export const user = {
  summary: 'Create, list, show, update, disable, enable and delete users',
  commands: { create, list, show, update, disable, enable, delete: remove }
}
