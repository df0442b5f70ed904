#ifndef CLI_VERBS_H
#define CLI_VERBS_H

/* What the verbs do: one function each, named by its path. Every one takes the
 * parsed command line and returns the exit code, having said what is wrong. */

#include "cli/cli.h"

int verb_run(struct cli *cli, const struct args *args);
int verb_submit(struct cli *cli, const struct args *args);
int verb_ps(struct cli *cli, const struct args *args);
int verb_job_show(struct cli *cli, const struct args *args);
int verb_job_logs(struct cli *cli, const struct args *args);
int verb_job_events(struct cli *cli, const struct args *args);
int verb_job_wait(struct cli *cli, const struct args *args);
int verb_job_forget(struct cli *cli, const struct args *args);
int verb_job_cancel(struct cli *cli, const struct args *args);
int verb_job_fetch(struct cli *cli, const struct args *args);
int verb_job_explain(struct cli *cli, const struct args *args);
int verb_job_receipt(struct cli *cli, const struct args *args);
int verb_market_offers(struct cli *cli, const struct args *args);
int verb_market_links(struct cli *cli, const struct args *args);
int verb_market_quote(struct cli *cli, const struct args *args);
int verb_market_watch(struct cli *cli, const struct args *args);
int verb_market_record(struct cli *cli, const struct args *args);
int verb_policy_list(struct cli *cli, const struct args *args);
int verb_policy_show(struct cli *cli, const struct args *args);
int verb_policy_set(struct cli *cli, const struct args *args);
int verb_policy_remove(struct cli *cli, const struct args *args);
int verb_policy_enable(struct cli *cli, const struct args *args);
int verb_policy_disable(struct cli *cli, const struct args *args);
int verb_policy_bind(struct cli *cli, const struct args *args);
int verb_policy_unbind(struct cli *cli, const struct args *args);
int verb_sell_start(struct cli *cli, const struct args *args);
int verb_sell_stop(struct cli *cli, const struct args *args);
int verb_sell_status(struct cli *cli, const struct args *args);
int verb_sell_offer_set(struct cli *cli, const struct args *args);
int verb_sell_offer_show(struct cli *cli, const struct args *args);
int verb_market_audit(struct cli *cli, const struct args *args);
int verb_sell_bench(struct cli *cli, const struct args *args);
int verb_sell_bench_check(struct cli *cli, const struct args *args);
int verb_sell_identifier(struct cli *cli, const struct args *args);
int verb_image_import(struct cli *cli, const struct args *args);
int verb_image_ls(struct cli *cli, const struct args *args);
int verb_image_inspect(struct cli *cli, const struct args *args);
int verb_image_rm(struct cli *cli, const struct args *args);
int verb_wallet_new(struct cli *cli, const struct args *args);
int verb_wallet_restore(struct cli *cli, const struct args *args);
int verb_wallet_list(struct cli *cli, const struct args *args);
int verb_wallet_show(struct cli *cli, const struct args *args);
int verb_wallet_balance(struct cli *cli, const struct args *args);
int verb_wallet_send(struct cli *cli, const struct args *args);
int verb_wallet_history(struct cli *cli, const struct args *args);
int verb_wallet_passwd(struct cli *cli, const struct args *args);
int verb_wallet_backup(struct cli *cli, const struct args *args);
int verb_node_start(struct cli *cli, const struct args *args);
int verb_node_stop(struct cli *cli, const struct args *args);
int verb_node_status(struct cli *cli, const struct args *args);
int verb_node_peers(struct cli *cli, const struct args *args);
int verb_node_logs(struct cli *cli, const struct args *args);
int verb_node_send(struct cli *cli, const struct args *args);
int verb_chain_status(struct cli *cli, const struct args *args);
int verb_chain_block(struct cli *cli, const struct args *args);
int verb_chain_tx(struct cli *cli, const struct args *args);
int verb_chain_account(struct cli *cli, const struct args *args);
int verb_chain_verify(struct cli *cli, const struct args *args);
int verb_chain_prove(struct cli *cli, const struct args *args);
int verb_chain_check(struct cli *cli, const struct args *args);
int verb_validator_list(struct cli *cli, const struct args *args);
int verb_validator_show(struct cli *cli, const struct args *args);
int verb_validator_bond(struct cli *cli, const struct args *args);
int verb_validator_unbond(struct cli *cli, const struct args *args);
int verb_validator_withdraw(struct cli *cli, const struct args *args);
int verb_validator_recall(struct cli *cli, const struct args *args);
int verb_devnet_up(struct cli *cli, const struct args *args);
int verb_devnet_status(struct cli *cli, const struct args *args);
int verb_devnet_down(struct cli *cli, const struct args *args);
int verb_config_list(struct cli *cli, const struct args *args);
int verb_config_path(struct cli *cli, const struct args *args);
int verb_sched_agents(struct cli *cli, const struct args *args);
int verb_sched_availability(struct cli *cli, const struct args *args);
int verb_sched_decompose(struct cli *cli, const struct args *args);
int verb_sched_adjust(struct cli *cli, const struct args *args);
int verb_sched_embed(struct cli *cli, const struct args *args);
int verb_sched_train(struct cli *cli, const struct args *args);
int verb_sched_replicas(struct cli *cli, const struct args *args);
int verb_sched_workflow(struct cli *cli, const struct args *args);
int verb_sched_replay(struct cli *cli, const struct args *args);
int verb_sched_select(struct cli *cli, const struct args *args);
int verb_doctor(struct cli *cli, const struct args *args);
int verb_version(struct cli *cli, const struct args *args);
int verb_completion(struct cli *cli, const struct args *args);
int verb_help(struct cli *cli, const struct args *args);

#endif
