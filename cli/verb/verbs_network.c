/* Nodes, the chain, its validators, and a whole network on one machine. */

#include "cli/verb/verbs.h"
#include "cli/verb/verbs_room.h"

static const struct opt node_start_options[] = {
    {"foreground", 0, NULL, "become the node instead of starting one", false},
    {0},
};

static const struct opt node_peers_options[] = {
    {"connect", 0, "HOST:PORT[@NODE]", "dial this peer", false},
    {0},
};

static const struct opt node_logs_options[] = {
    {"follow", 'f', NULL, "go on as more is written", false},
    {"lines", 'n', "N", "how many lines to begin with (default: 200)", false},
    {0},
};

static const struct opt prove_options[] = {
    {"out", 0, "FILE", "where to write it; - is standard output", false},
    {"from", 0, "BLOCK", "start from this block's hash, not from the genesis",
     false},
    {0},
};

static const struct opt check_options[] = {
    {"genesis", 0, "GENESIS", "the genesis you trust: its hash, or its file",
     false},
    {"trust", 0, "BLOCK", "the hash of a block you trust", false},
    {0},
};

static const struct opt validator_options[] = {
    {"validator", 0, "ADDRESS", "another validator than the node's own", false},
    {"key", 0, "NAME", "the owner's key, if there are several", false},
    {0},
};

static const struct opt devnet_up_options[] = {
    {"providers", 0, "N", "how many providers (default: 3)", false},
    {"validators", 0, "N", "how many validators (default: 4)", false},
    {"nodes", 0, "N", "the same", false},
    {"image", 0, "FILE", "an OCI archive to import as the image \"default\"",
     false},
    {"base-port", 0, "PORT", "first port on 127.0.0.1 (default: 27100)", false},
    {"param", 0, "NAME=N", "a parameter of the genesis, epoch_blocks=20", true},
    {"fresh", 0, NULL, "throw away the devnet that is there", false},
    {0},
};

static const struct opt devnet_down_options[] = {
    {"wipe", 0, NULL, "remove its chain, keys and files too", false},
    {0},
};

const struct verb verbs_network[] = {
    {"node start", verb_node_start, node_start_options, NULL, 0, 0, false,
     "start the node",
     "Starts suand for a data directory, in the background, and waits until it "
     "answers.",
     "suan node start --data-dir ~/.local/share/suan/testnet"},
    {"node stop", verb_node_stop, NULL, NULL, 0, 0, false, "stop the node",
     "Ends the node in order; kills it when it has not ended after five "
     "seconds.",
     "suan node stop --node provider-1"},
    {"node status", verb_node_status, NULL, NULL, 0, 0, false,
     "show how the node stands",
     "Shows the node's height, peers, jobs, executor and disk, with warnings.",
     "suan node status"},
    {"node peers", verb_node_peers, node_peers_options, NULL, 0, 0, false,
     "list connections",
     "Lists the peers the node is connected with, or dials one more.",
     "suan node peers"},
    {"node logs", verb_node_logs, node_logs_options, NULL, 0, 0, false,
     "print the node's log", "Prints the last lines of the node's log.",
     "suan node logs -f"},
    {"node send", verb_node_send, NULL, "ADDRESS AMOUNT|all", 2, 2, false,
     "send money from the node's account",
     "Has the node send credits from its own account, after a yes, and waits "
     "until the\ntransfer is final. It is the account that bonds are locked "
     "from and that earnings\nare paid to; suan sell status shows what is "
     "there. Who can use the node's control\nsocket may do it; no wallet is "
     "needed. all sends the balance less the fee. Prints the\ntransaction's "
     "id.",
     "suan node send tsuan1... 12.50 --node provider-1\n"
     "suan node send tsuan1... all"},

    {"chain status", verb_chain_status, NULL, NULL, 0, 0, false,
     "show the ledger's tip", "Shows height, roots, supply and validators.",
     "suan chain status"},
    {"chain block", verb_chain_block, NULL, "[HEIGHT|HASH|latest]", 0, 1, false,
     "show a block", "Shows a block and its transactions.",
     "suan chain block 12"},
    {"chain tx", verb_chain_tx, NULL, "ID", 1, 1, false, "show a transaction",
     "Shows a transaction and what it did.",
     "suan chain tx "
     "9b1d0f0e5c6a7b8899aabbccddeeff00112233445566778899aabbccddeeff00"},
    {"chain account", verb_chain_account, NULL, "ADDRESS", 1, 1, false,
     "show an account",
     "Shows an account's balance and what its contracts hold.",
     "suan chain account tsuan1..."},
    {"chain verify", verb_chain_verify, NULL, NULL, 0, 0, false,
     "check the whole ledger",
     "Executes every block from the genesis on and compares every root and "
     "signature.",
     "suan chain verify"},
    {"chain prove", verb_chain_prove, prove_options, "KEY", 1, 1, false,
     "write a proof for somebody who has no node",
     "Writes a file that proves an account's balance, a validator's bond, a "
     "contract\nor a transaction to anybody who knows the hash of the genesis, "
     "or trusts one\nblock. KEY is an address or account:ADDRESS, "
     "validator:ADDRESS, contract:ID, or\na transaction's ID or tx:ID. What "
     "does "
     "not exist is proven not to. The file's name\ngoes to stdout. --from "
     "keeps "
     "the file small on an old chain: it starts from that\nblock, of an "
     "earlier "
     "epoch, and is checked with --trust.",
     "suan chain prove tsuan1...\n"
     "suan chain prove contract:9b1d0f0e...f00d --out paid.proof"},
    {"chain check", verb_chain_check, check_options, "FILE", 1, 1, false,
     "check a proof, without a node",
     "Checks a file that suan chain prove wrote, and says what it proves: "
     "what, "
     "in\nwhich block, and which share of the validators' weight has signed. "
     "It "
     "needs no\nnode and no network, only the hash you trust: of the genesis "
     "(chain in suan chain\nstatus --json), or of the block that the file "
     "starts "
     "from. A file that does not\nhold ends with code 8.",
     "suan chain check paid.proof --genesis 9b1d0f0e...f00d"},

    {"validator list", verb_validator_list, NULL, NULL, 0, 0, false,
     "list validators",
     "Lists everyone who has bonded money, the largest first. active: signs in "
     "this\nepoch. joining: signs in the next. waiting: others have bonded "
     "more, "
     "or the\nnotice of an epoch is not over. leaving: signs to the end of "
     "this "
     "epoch or the\nnext. jailed: removed for evidence, for good.",
     "suan validator list"},
    {"validator show", verb_validator_show, NULL, "[ADDRESS]", 0, 1, false,
     "show a validator",
     "Shows a validator's bond and weight, and what is being unbonded; without "
     "an\naddress the node's own.",
     "suan validator show"},
    {"validator bond", verb_validator_bond, validator_options, "AMOUNT", 1, 1,
     false, "bond money for a validator",
     "Moves money from a key of the wallet into a validator's bond; what is "
     "bonded is\nits weight, and evidence of double voting costs a part of it. "
     "The first to bond\nbecomes the owner: do that at the validator's own "
     "node, "
     "which proves that it\nagrees. It signs from the epoch after the next.",
     "suan validator bond 500.00\n"
     "suan validator bond 500.00 --node validator --key cold"},
    {"validator unbond", verb_validator_unbond, validator_options, "AMOUNT|all",
     1, 1, false, "take money out of a bond",
     "Begins to take money out of a bond. It stays liable for some epochs, "
     "then "
     "it can\nbe withdrawn. At most a third of all weight can leave in one "
     "epoch; "
     "a rest below\nthe minimum cannot stay.",
     "suan validator unbond 200.00"},
    {"validator withdraw", verb_validator_withdraw, validator_options, NULL, 0,
     0, false, "get released money back",
     "Pays what was unbonded and is released to the owner's account.",
     "suan validator withdraw"},
    {"validator recall", verb_validator_recall, NULL, NULL, 0, 0, false,
     "vouch for votes that were forgotten",
     "A validator whose safety log was lost signs nothing until the others "
     "have\ndecided enough. Where they cannot (one to three equal validators, "
     "or "
     "too many\nforgot at once), this is the operator's word that its key has "
     "signed nothing\nabove the block where the node stands. If the word is "
     "wrong, two of its votes\nmay be evidence, and its bond is cut.",
     "suan validator recall --node validator-1"},

    {"devnet up", verb_devnet_up, devnet_up_options, NULL, 0, 0, false,
     "start a network on this machine",
     "Starts validators, providers and a buyer's node on 127.0.0.1, all real, "
     "under\n$SUAN_HOME/devnet, with a funded wallet. Other commands find it "
     "by "
     "themselves. The\nwallet's passphrase lies beside it in wallet.pass and "
     "is "
     "used without asking.\nThe validators' bonds belong to another wallet, "
     "validators-wallet in the same\ndirectory, and the fees of their blocks "
     "go to its account. To bond, unbond or\nspend them name it: --wallet "
     "$SUAN_HOME/devnet/validators-wallet.",
     "suan devnet up --image default.tar"},
    {"devnet status", verb_devnet_status, NULL, NULL, 0, 0, false,
     "show the devnet's nodes",
     "Shows each node's state, height and peers, and what lies on the wallets' "
     "accounts.\n-o wide shows the nodes' accounts, too, and where the wallets "
     "are. Exits with 7\nwhen a node does not run.",
     "suan devnet status"},
    {"devnet down", verb_devnet_down, devnet_down_options, NULL, 0, 0, false,
     "stop the devnet",
     "Stops every node of the devnet. Its data stay for the next up unless "
     "--wipe is given.",
     "suan devnet down --wipe"},

    {"config list", verb_config_list, NULL, NULL, 0, 0, false,
     "show every setting",
     "Shows the node's effective settings and where each came from. -o wide "
     "explains them.",
     "suan config list -o wide"},
    {"config path", verb_config_path, NULL, NULL, 0, 0, false,
     "print where the configuration is",
     "Prints the path of the node's suan.conf.", "suan config path"},
    {0},
};
